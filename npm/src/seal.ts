/**
 * Encrypted snapshots, by WebCrypto: the files that the native server writes and opens with `REDSTART_RDB_KEY`.
 *
 * ```text
 * [ "REDSEAL" 1 | salt, 32 bytes | chunk, 64 KiB + 16 … | last chunk, up to 64 KiB + 16 ]
 * ```
 *
 * Each chunk is AES-256-GCM, with the header as associated data. Its nonce has the chunk's number and says whether it
 * is the last, so one that is missing, moved or cut off is found, as a flipped bit is. The key of a file is derived
 * from the given one and the salt, so no nonce is used twice with a key.
 */

import { join } from './bytes.js';
import type { WebCryptoKey } from './globals.js';

/** 256 bits: 32 bytes, 64 hexadecimal digits, 44 characters of base64, or a `CryptoKey` for HKDF with `deriveKey`. */
export type SealKey = WebCryptoKey | Uint8Array | string;

const MAGIC = /* @__PURE__ */ ascii('REDSEAL\x01');
const PURPOSE = 'redstart snapshot 1';
const MAGIC_BYTES = 8;
export const SALT_BYTES = 32;
export const HEADER_BYTES = MAGIC_BYTES + SALT_BYTES;
export const TAG_BYTES = 16;
const CHUNK_BYTES = 64 << 10;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;

/** An RDB file as `engine.snapshot()` gives it, encrypted: `unseal` opens it, and redstart-server with the same key. */
export async function seal(snapshot: Uint8Array, key: SealKey): Promise<Uint8Array> {
  const sealer = await Sealer.make(keyOf(key));
  return join([sealer.header, ...(await sealer.push(snapshot)), await sealer.finish()]);
}

/** What was sealed with this key. Rejects with a `SealError` if it is not the key, or the file not what was sealed. */
export async function unseal(file: Uint8Array, key: SealKey): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of unsealed(file, keyOf(key), 'the snapshot')) parts.push(part);
  return join(parts);
}

/** Whether a file begins as sealed ones do. */
export function isSealed(file: Uint8Array): boolean {
  return file.length >= MAGIC_BYTES && MAGIC.every((byte, i) => file[i] === byte);
}

/** How long it is once it is open; of a file that is whole. */
export function openLength(sealedLength: number): number {
  const body = sealedLength - HEADER_BYTES;
  return Math.max(0, body - TAG_BYTES * Math.ceil(body / SEALED_BYTES));
}

/** A key that is of a right form, as WebCrypto wants it: imported when it is first asked for. */
export function keyOf(key: SealKey): () => Promise<WebCryptoKey> {
  const wrong = (got: string) =>
    new TypeError(`key: expected 32 bytes, 64 hexadecimal digits, 44 characters of base64 or a CryptoKey for HKDF with deriveKey, got ${got}`);
  let bytes: Uint8Array | undefined;
  if (typeof key === 'string') {
    bytes = parse(key.trim());
    if (!bytes) throw wrong(`another text of ${key.length} characters`);
  } else if (key instanceof Uint8Array) {
    if (key.length !== 32) throw wrong(`${key.length} bytes`);
    bytes = key.slice();
  } else {
    const { algorithm, usages } = (key ?? {}) as Partial<WebCryptoKey>;
    if (algorithm?.name !== 'HKDF' || !usages?.includes('deriveKey')) throw wrong(algorithm ? `one for ${algorithm.name} with ${usages}` : typeof key);
    return () => Promise.resolve(key);
  }
  let imported: Promise<WebCryptoKey> | undefined;
  return () => (imported ??= Promise.resolve().then(() => subtle().importKey('raw', plain(bytes), 'HKDF', false, ['deriveKey'])));
}

/** What is wrong with something sealed. */
export function sealError(what: string, why: string): Error {
  return Object.assign(new Error(`${what} cannot be opened: ${why}`), { name: 'SealError' });
}

/** What seals and opens the numbered pieces behind one header. */
export class Cipher {
  private readonly key: CryptoKey;
  private readonly header: Uint8Array;

  private constructor(key: CryptoKey, header: Uint8Array) {
    this.key = key;
    this.header = header;
  }

  /** For a header that ends with its salt. */
  static async make(key: () => Promise<WebCryptoKey>, header: Uint8Array, purpose: string): Promise<Cipher> {
    const derivation = { name: 'HKDF', hash: 'SHA-256', salt: plain(header.subarray(MAGIC_BYTES)), info: ascii(purpose) };
    const derived = await subtle().deriveKey(derivation, await key(), { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    return new Cipher(derived, header);
  }

  async seal(n: number, isLast: boolean, bytes: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await subtle().encrypt(this.params(n, isLast), this.key, plain(bytes)));
  }

  /** `undefined`: that is not what was sealed under this number. */
  async open(n: number, isLast: boolean, bytes: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await subtle().decrypt(this.params(n, isLast), this.key, plain(bytes)));
    } catch (error) {
      if ((error as Error).name === 'OperationError') return undefined;
      throw error;
    }
  }

  private params(n: number, isLast: boolean): AesGcmParams {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(7, n);
    iv[11] = Number(isLast);
    return { name: 'AES-GCM', iv, additionalData: plain(this.header) };
  }
}

/** Seals a file as it is written. */
export class Sealer {
  /** How the file begins. */
  readonly header: Uint8Array;
  private readonly cipher: Cipher;
  private n = 0;
  /** What is not sealed yet: the last chunk is, when it is known to be. */
  private readonly rest = new Uint8Array(CHUNK_BYTES);
  private length = 0;

  private constructor(header: Uint8Array, cipher: Cipher) {
    this.header = header;
    this.cipher = cipher;
  }

  static async make(key: () => Promise<WebCryptoKey>): Promise<Sealer> {
    const header = newHeader(MAGIC);
    return new Sealer(header, await Cipher.make(key, header, PURPOSE));
  }

  /** More of the file: the chunks that are whole and not the last. */
  async push(bytes: Uint8Array): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.length === CHUNK_BYTES) {
        chunks.push(await this.cipher.seal(this.n++, false, this.rest));
        this.length = 0;
      }
      const some = bytes.subarray(at, at + CHUNK_BYTES - this.length);
      this.rest.set(some, this.length);
      this.length += some.length;
      at += some.length;
    }
    return chunks;
  }

  /** There is no more: the last chunk. */
  finish(): Promise<Uint8Array> {
    return this.cipher.seal(this.n++, true, this.rest.subarray(0, this.length));
  }
}

/** What a sealed file has in it. That it is whole is known at the end. */
export async function* unsealed(file: Uint8Array, key: () => Promise<WebCryptoKey>, what: string): AsyncGenerator<Uint8Array> {
  if (!isSealed(file)) {
    const begin = String.fromCharCode(...file.subarray(0, MAGIC_BYTES));
    throw sealError(what, /^REDSEAL./s.test(begin) ? `it is sealed in another form (${file[7]})` : 'it is not sealed');
  }
  if (file.length < HEADER_BYTES + TAG_BYTES) throw sealError(what, `it is cut off at byte ${file.length}`);
  const cipher = await Cipher.make(key, file.slice(0, HEADER_BYTES), PURPOSE);
  for (let n = 0, at = HEADER_BYTES, isLast = false; !isLast; n++, at += SEALED_BYTES) {
    isLast = file.length - at <= SEALED_BYTES;
    const chunk = file.subarray(at, at + SEALED_BYTES);
    const opened = await cipher.open(n, isLast, chunk);
    if (opened) {
      yield opened;
    } else if (isLast && (await cipher.open(n, false, chunk))) {
      throw sealError(what, `it is cut off at byte ${file.length}`);
    } else {
      // One chunk that was opened tells that the key is right.
      throw sealError(what, n === 0 ? `wrong key or damaged at byte ${at}` : `damaged or cut off behind byte ${at}`);
    }
  }
}

/** A salt of its own behind the first bytes of a form. */
export function newHeader(magic: Uint8Array): Uint8Array {
  return join([magic, crypto.getRandomValues(new Uint8Array(SALT_BYTES))]);
}

/** @internal */
export function ascii(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parse(key: string): Uint8Array | undefined {
  if (/^[\da-f]{64}$/i.test(key)) return Uint8Array.from(key.match(/../g)!, (digits) => parseInt(digits, 16));
  // Of the last character two bits are none of the 256.
  if (/^[\w+/]{42}[AEIMQUYcgkosw048]=$/.test(key) && !key.includes('_')) return ascii(atob(key));
  return undefined;
}

function subtle(): SubtleCrypto {
  const { crypto } = globalThis;
  if (!crypto?.subtle) throw new Error('sealing takes WebCrypto, which pages have that came over https: or from localhost');
  return crypto.subtle;
}

/** WebCrypto takes no shared memory, which the types know. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return (bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice()) as Uint8Array<ArrayBuffer>;
}
