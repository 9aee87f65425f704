// Objects in the stores that `queues.toml` grants to the plugin.

import type { Verdict, Wire } from './failure.ts';
import { host, HostError, type RawCondition, type RawObject, type RawUpload, type RawWriteOptions } from './host.ts';

/** What went wrong; `wit/runner/blobs.wit` says more. */
export type BlobErrorCode = 'denied' | 'not-found' | 'precondition' | 'invalid' | 'too-large' | 'timeout' | 'unavailable';

/**
 * Why it was not done. Uncaught, it retries the job if the store took too long or was not there,
 * and rejects it otherwise.
 */
export class BlobError extends Error implements Verdict {
  override name = 'BlobError';
  /** The kind of the error. */
  readonly code: BlobErrorCode;

  constructor(code: BlobErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  verdict(reason: string): Wire {
    return { tag: this.code === 'timeout' || this.code === 'unavailable' ? 'retry' : 'reject', val: reason };
  }
}

/** What is known of an object. */
export interface BlobObject {
  /** Its key. */
  key: string;
  /** Its size in bytes. */
  size: number;
  /** When it was last written. */
  modified: Date;
  /** Changes with its content, where the store has such a tag. */
  etag: string | undefined;
}

/** How an object is written. */
export interface WriteOptions {
  /** Only if there is no object of this key; `precondition` otherwise. */
  ifAbsent?: boolean;
  /** Only if the object has this `etag`; `precondition` otherwise. */
  ifUnchanged?: string;
  /** Its `Content-Type`, where the store keeps one. */
  contentType?: string;
}

/** Bytes of one call of `read` and `Upload.write`: few calls, and a small part of a plugin's memory. */
const PART = 1 << 20;

/**
 * An object that is written part by part. It appears, whole, with `finish`; if that is never
 * called, there is no trace of it.
 */
export class Upload {
  #upload: RawUpload;
  #parts: Uint8Array[] = [];
  #size = 0;

  /** Made by `blobs.create`. */
  constructor(upload: RawUpload) {
    this.#upload = upload;
  }

  /** Add bytes, or text as UTF-8, at the end. */
  async write(content: string | Uint8Array): Promise<void> {
    const all = bytes(content);
    for (let at = 0; at < all.length; ) {
      const part = all.slice(at, at + PART - this.#size);
      this.#parts.push(part);
      this.#size += part.length;
      at += part.length;
      if (this.#size === PART) this.#send();
    }
  }

  /** Write the object; its `etag`, where the store has one. The upload can do nothing more. */
  async finish(): Promise<string | undefined> {
    if (this.#size > 0) this.#send();
    return asked(() => this.#upload.finish()) ?? undefined;
  }

  #send(): void {
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#size = 0;
    asked(() => this.#upload.append(all));
  }
}

/**
 * The stores granted to the plugin, by name:
 *
 * ```toml
 * [plugins.documents.blobs]
 * inbox = "s3://uploads/incoming"
 * results = { url = "s3://results", write = true }
 * ```
 *
 * All functions throw `BlobError`.
 */
export const blobs = {
  /** Read an object of at most 8 MiB, or a range of one; see `read` for larger ones. */
  async get(store: string, key: string, range?: { offset: number; length: number }): Promise<Uint8Array> {
    return asked(() => host('blobs.get').blobGet(store, key, range && { offset: whole('offset', range.offset), length: whole('length', range.length) })).bytes;
  },

  /** Read an object of at most 8 MiB as text in UTF-8. */
  async getText(store: string, key: string): Promise<string> {
    return new TextDecoder().decode(await blobs.get(store, key));
  },

  /** What is known of an object, without its content. */
  async head(store: string, key: string): Promise<BlobObject> {
    return object(asked(() => host('blobs.head').blobHead(store, key)));
  },

  /**
   * Read an object of any size, part by part: `for await (const part of blobs.read('inbox', key))`.
   * One that is changed meanwhile is an error (`precondition`).
   */
  async *read(store: string, key: string): AsyncGenerator<Uint8Array, void, void> {
    let first: RawObject | undefined;
    for (let offset = 0; offset === 0 || offset < (first?.size ?? 0); ) {
      const { bytes, object } = asked(() => host('blobs.read').blobGet(store, key, { offset, length: PART }));
      first ??= object;
      if (first.size !== object.size || first.etag !== object.etag || first.modified !== object.modified) {
        throw new BlobError('precondition', `"${key}" was changed while it was read`);
      }
      if (bytes.length === 0) return;
      offset += bytes.length;
      yield bytes;
    }
  },

  /** Write an object of at most 8 MiB, whole or not at all; its `etag`, where the store has one. */
  async put(store: string, key: string, content: string | Uint8Array, options: WriteOptions = {}): Promise<string | undefined> {
    return asked(() => host('blobs.put').blobPut(store, key, bytes(content), raw(options)));
  },

  /** Begin to write an object of any size. */
  async create(store: string, key: string, options: WriteOptions = {}): Promise<Upload> {
    return new Upload(asked(() => host('blobs.create').blobBegin(store, key, raw(options))));
  },

  /** Remove an object. It is no error if there is none. */
  async delete(store: string, key: string): Promise<void> {
    asked(() => host('blobs.delete').blobDelete(store, key));
  },

  /** The objects whose key begins with `prefix`, in the order of their keys: `for await (const { key } of blobs.list('inbox'))`. */
  async *list(store: string, prefix = ''): AsyncGenerator<BlobObject, void, void> {
    let cursor: string | undefined;
    do {
      const page = asked(() => host('blobs.list').blobList(store, prefix, cursor, 1000));
      yield* page.objects.map(object);
      cursor = page.cursor;
    } while (cursor !== undefined);
  },

  /** A URL with which anybody can read or write this one object for so many seconds, at most 7 days. */
  async presign(store: string, key: string, access: 'read' | 'write', seconds: number): Promise<string> {
    return asked(() => host('blobs.presign').blobPresign(store, key, access, whole('seconds', seconds)));
  },
};

function asked<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    throw new BlobError(error.tag as BlobErrorCode, error.message);
  }
}

function object({ key, size, modified, etag }: RawObject): BlobObject {
  return { key, size, modified: new Date(modified), etag };
}

function raw({ ifAbsent, ifUnchanged, contentType }: WriteOptions): RawWriteOptions {
  if (ifAbsent && ifUnchanged !== undefined) {
    throw new BlobError('invalid', 'an object is written if it is absent or if it is unchanged, not both');
  }
  const condition: RawCondition = ifAbsent
    ? { tag: 'absent' }
    : ifUnchanged === undefined
      ? { tag: 'always' }
      : { tag: 'unchanged', val: ifUnchanged };
  return { condition, ...(contentType !== undefined && { contentType }) };
}

function bytes(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new BlobError('invalid', `${name} is a whole number from 0, not ${String(value)}`);
}
