// UTF-8 by the functions that every engine has; a loop over characters is slow on QuickJS.

/** The text as UTF-8; lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array {
  const binary = unescape(encodeURIComponent(text.toWellFormed()));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
