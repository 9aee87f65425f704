// The names of the web that QuickJS lacks. The build puts these in their place wherever the
// bundle has them, so that a plugin carries only what it uses.

export { fetch } from '../http.ts';
export { structuredClone } from './clone.ts';
export { TextDecoder, TextEncoder } from './encoding.ts';
export { AbortController, AbortSignal, Event, EventTarget } from './events.ts';
export { Blob, File, FormData, Headers, Request, Response } from './fetch.ts';
export { URLSearchParams } from './search_params.ts';
export { URL } from './url.ts';
