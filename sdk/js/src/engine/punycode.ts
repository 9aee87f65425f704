// Punycode (RFC 3492, with its pseudocode's names) of a label of a host.

/** The label in ASCII. */
export function punycode(label: string): string {
  if (/^[\0-\x7f]*$/.test(label)) return label;
  const points = Array.from(label, char => char.codePointAt(0) as number);
  let out = points.filter(point => point < 0x80).map(point => String.fromCharCode(point)).join('');
  const basic = out.length;
  let handled = basic;
  if (basic) out += '-';
  let [n, delta, bias] = [0x80, 0, 72];
  while (handled < points.length) {
    const next = Math.min(...points.filter(point => point >= n));
    delta += (next - n) * (handled + 1);
    n = next;
    for (const point of points) {
      if (point < n) delta++;
      if (point !== n) continue;
      let q = delta;
      for (let k = 36; ; k += 36) {
        const t = Math.max(1, Math.min(26, k - bias));
        if (q < t) break;
        out += digit(t + ((q - t) % (36 - t)));
        q = Math.floor((q - t) / (36 - t));
      }
      out += digit(q);
      bias = adapt(delta, handled + 1, handled === basic);
      delta = 0;
      handled++;
    }
    delta++;
    n++;
  }
  return `xn--${out}`;
}

function digit(value: number): string {
  return String.fromCharCode(value < 26 ? value + 97 : value + 22);
}

function adapt(delta: number, points: number, first: boolean): number {
  let rest = first ? Math.floor(delta / 700) : delta >> 1;
  rest += Math.floor(rest / points);
  let k = 0;
  for (; rest > 455; k += 36) rest = Math.floor(rest / 35);
  return k + Math.floor((36 * rest) / (rest + 38));
}
