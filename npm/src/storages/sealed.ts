/**
 * A storage that encrypts what another one keeps: base and journal, with a key that is kept elsewhere.
 *
 * The base is a sealed snapshot (see `seal.ts`). The journal is runs of records, one record an append:
 *
 * ```text
 * run     [ "REDJRNL" 1 | salt, 32 bytes | record 0 | record 1 … ]
 * record  [ length, u32 | its complement, u32 | AES-256-GCM, nonce: the record's number ]
 * ```
 *
 * A run has a key of its own, as a snapshot has, and a new one begins when the storage is opened, when another base
 * is begun, and when an append has failed: under one number nothing is sealed twice. Record 0 says what the run stands
 * behind: a base, or so many records of an earlier run. So a journal of which a piece is missing, moved or from an
 * older copy is not taken for whole. Only its end can be missing unseen, as with a journal that is not sealed: a
 * record that is cut off is none.
 */

import { join } from '../bytes.js';
import type { WebCryptoKey } from '../globals.js';
import { ascii, Cipher, HEADER_BYTES, keyOf, newHeader, openLength, SALT_BYTES, sealError, Sealer, type SealKey, unsealed } from '../seal.js';
import type { Base, Storage } from '../storage.js';

const MAGIC = /* @__PURE__ */ ascii('REDJRNL\x01');
const PURPOSE = 'redstart journal 1';
const LENGTHS_BYTES = 8;
const PLACE_BYTES = SALT_BYTES + 4;
const RECORDS_MAX = 0xffff_ffff;
/** A command that is cut off: behind it nothing is appended before there is another base. */
const TORN = /* @__PURE__ */ ascii('*1\r\n');

/** Behind so many records of the run with this salt; 0 of a base's is behind the base. */
interface Place {
  salt: Uint8Array;
  records: number;
}

/** A run that is written. */
interface Run {
  salt: Uint8Array;
  cipher: Cipher;
  records: number;
}

const NOTHING: Place = { salt: new Uint8Array(SALT_BYTES), records: 0 };

/** What `storage` keeps is encrypted with this key: what is there must have been, too. */
export function sealed(storage: Storage, key: SealKey): Storage {
  return new SealedStorage(storage, keyOf(key));
}

class SealedStorage implements Storage {
  private readonly inner: Storage;
  private readonly key: () => Promise<WebCryptoKey>;
  private run: Run | undefined;
  /** Where the next append stands: after a base was begun, behind it or, should it never be whole, behind the journal. */
  private places: Place[] = [NOTHING];
  private last: Promise<unknown> = Promise.resolve();

  constructor(inner: Storage, key: () => Promise<WebCryptoKey>) {
    this.inner = inner;
    this.key = key;
  }

  async *load(): AsyncGenerator<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.inner.load()) pieces.push(piece);
    const all = join(pieces);
    const { base } = this.inner.sizes();
    let root = NOTHING;
    if (base > 0) {
      const file = all.subarray(0, base);
      yield* unsealed(file, this.key, 'the base');
      root = { salt: saltOf(file), records: 0 };
    }
    const { records, place, isTorn } = await this.journal(all.subarray(base), root);
    this.run = undefined;
    this.places = [place];
    yield* records;
    if (isTorn) yield TORN;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.inTurn(async () => {
      const parts: Uint8Array[] = [];
      let { run } = this;
      // What has failed may be there all the same, under its number.
      this.run = undefined;
      if (!run || run.records >= RECORDS_MAX) {
        const header = newHeader(MAGIC);
        run = { salt: saltOf(header), cipher: await Cipher.make(this.key, header, PURPOSE), records: 0 };
        parts.push(header, await record(run, join(this.places.map(written))));
      }
      parts.push(await record(run, bytes));
      await this.inner.append(join(parts));
      this.run = run;
      this.places = [{ salt: run.salt, records: run.records }];
    });
  }

  /** Of the base as it is when it is open; the journal's are sealed. */
  sizes(): { base: number; journal: number } {
    const { base, journal } = this.inner.sizes();
    return { base: openLength(base), journal };
  }

  begin(): Base {
    // In its turn: what was appended before belongs to the old one.
    const begun = this.inTurn(async () => {
      const sealer = await Sealer.make(this.key);
      const base = this.inner.begin();
      const place = { salt: saltOf(sealer.header), records: 0 };
      this.run = undefined;
      this.places = [place, ...this.places];
      let isFirst = true;
      const write = async (chunks: Uint8Array[]) => {
        if (isFirst) chunks = [sealer.header, ...chunks];
        isFirst = false;
        if (chunks.length > 0) await base.write(join(chunks));
      };
      return { sealer, base, place, behind: this.places, write };
    });
    begun.catch(() => undefined);
    return {
      write: async (piece) => {
        const { sealer, write } = await begun;
        await write(await sealer.push(piece));
      },
      commit: async () => {
        const { sealer, base, place, behind, write } = await begun;
        await write([await sealer.finish()]);
        await this.inTurn(async () => {
          await base.commit();
          if (this.places === behind) this.places = [place];
        });
      },
      abort: async () => {
        const made = await begun.catch(() => undefined);
        await made?.base.abort();
      },
    };
  }

  async close(): Promise<void> {
    await this.inTurn(async () => this.inner.close?.());
  }

  /** What the journal has in it, and what stands next; `root` is the base. */
  private async journal(journal: Uint8Array, root: Place): Promise<{ records: Uint8Array[]; place: Place; isTorn: boolean }> {
    const bad = (why: string) => sealError('the journal', why);
    let runs: { salt: Uint8Array; cipher: Cipher; records: Uint8Array[] }[] = [];
    const isEnd = (at: number, bytes: number) => journal.length - at < bytes;
    let at = 0;
    let isTorn = false;
    while (at < journal.length) {
      if ((isTorn = isEnd(at, LENGTHS_BYTES))) break;
      if (MAGIC.every((byte, i) => journal[at + i] === byte)) {
        if ((isTorn = isEnd(at, HEADER_BYTES))) break;
        const header = journal.slice(at, at + HEADER_BYTES);
        runs.push({ salt: saltOf(header), cipher: await Cipher.make(this.key, header, PURPOSE), records: [] });
        at += HEADER_BYTES;
        continue;
      }
      const run = runs.at(-1);
      if (!run) throw bad('it is not sealed');
      const lengths = new DataView(journal.buffer, journal.byteOffset + at, LENGTHS_BYTES);
      const length = lengths.getUint32(0);
      if ((length ^ lengths.getUint32(4)) !== -1) throw bad(`damaged at byte ${at}`);
      if ((isTorn = isEnd(at + LENGTHS_BYTES, length))) break;
      const n = run.records.length;
      const opened = await run.cipher.open(n, false, journal.subarray(at + LENGTHS_BYTES, at + LENGTHS_BYTES + length));
      if (!opened) throw bad(`${runs.length === 1 && n === 0 ? 'wrong key or ' : ''}damaged at byte ${at}`);
      if (n === 0) {
        const before = behind(runs.slice(0, -1), opened, root);
        if (!before) throw bad(`something is missing before byte ${at}`);
        runs = [...before, run];
      }
      run.records.push(opened);
      at += LENGTHS_BYTES + length;
    }
    // Of one that was cut off before it says where it stands nothing is there.
    runs = runs.filter((run) => run.records.length > 0);
    const run = runs.at(-1);
    const place = run ? { salt: run.salt, records: run.records.length } : root;
    return { records: runs.flatMap((run) => run.records.slice(1)), place, isTorn };
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.last.then(action);
    this.last = result.catch(() => undefined);
    return result;
  }
}

/** Of these runs those that one stands behind which says so: without what was appended in vain. */
function behind<R extends { salt: Uint8Array; records: Uint8Array[] }>(runs: R[], places: Uint8Array, root: Place): R[] | undefined {
  for (let from = 0; from + PLACE_BYTES <= places.length; from += PLACE_BYTES) {
    const salt = places.subarray(from, from + SALT_BYTES);
    const records = new DataView(places.buffer, places.byteOffset + from + SALT_BYTES).getUint32(0);
    if (records === 0 && same(salt, root.salt)) return [];
    const i = runs.findIndex((run) => same(run.salt, salt) && run.records.length >= records);
    if (i >= 0) return [...runs.slice(0, i), { ...runs[i]!, records: runs[i]!.records.slice(0, records) }];
  }
  return undefined;
}

/** The next record of a run. */
async function record(run: Run, bytes: Uint8Array): Promise<Uint8Array> {
  const sealed = await run.cipher.seal(run.records++, false, bytes);
  const lengths = new DataView(new ArrayBuffer(LENGTHS_BYTES));
  lengths.setUint32(0, sealed.length);
  lengths.setUint32(4, ~sealed.length);
  return join([new Uint8Array(lengths.buffer), sealed]);
}

function written({ salt, records }: Place): Uint8Array {
  const place = new Uint8Array(PLACE_BYTES);
  place.set(salt);
  new DataView(place.buffer).setUint32(SALT_BYTES, records);
  return place;
}

const saltOf = (header: Uint8Array) => header.slice(HEADER_BYTES - SALT_BYTES, HEADER_BYTES);
const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, i) => byte === b[i]);
