/** A storage in IndexedDB: in windows and workers of all browsers. */

import { type LockOptions, lockByName, waitOf } from './lock.js';
import { type Place, PiecesStorage, type Shelf } from './pieces.js';

const PIECES = 'pieces';
const STATE = 'state';
const CURRENT = 'current';

const key = ({ generation, kind, n }: Place) => [generation, kind, n];

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

class IndexedDbShelf implements Shelf {
  private readonly name: string;
  private readonly durability: IDBTransactionDurability;
  private readonly wait_ms: number;
  private db!: IDBDatabase;
  private release: (() => void) | undefined;

  constructor(name: string, durability: IDBTransactionDurability, wait_ms: number) {
    this.name = name;
    this.durability = durability;
    this.wait_ms = wait_ms;
  }

  async open(): ReturnType<Shelf['open']> {
    this.release = await lockByName(`indexeddb:${this.name}`, this.wait_ms);
    const request = indexedDB.open(this.name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(PIECES);
      request.result.createObjectStore(STATE);
    };
    this.db = await done(request);
    // Another page wants to delete the database, or has a newer one: not to wait for this page for ever.
    this.db.onversionchange = () => this.db.close();
    const transaction = this.db.transaction([PIECES, STATE]);
    const current = done(transaction.objectStore(STATE).get(CURRENT));
    const pieces: (Place & { bytes: number })[] = [];
    const cursor = transaction.objectStore(PIECES).openCursor();
    await new Promise<void>((resolve, reject) => {
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        const at = cursor.result;
        if (!at) return resolve();
        const [generation, kind, n] = at.key as [number, Place['kind'], number];
        pieces.push({ generation, kind, n, bytes: (at.value as Uint8Array).length });
        at.continue();
      };
    });
    return { current: ((await current) as number | undefined) ?? 0, pieces };
  }

  async read(place: Place): Promise<Uint8Array> {
    const piece: unknown = await done(this.db.transaction(PIECES).objectStore(PIECES).get(key(place)));
    if (!(piece instanceof Uint8Array)) throw new Error(`a piece is missing in IndexedDB: ${key(place).join('.')}`);
    return piece;
  }

  write(place: Place, bytes: Uint8Array): Promise<void> {
    // A view's whole buffer would be stored.
    return this.change(PIECES, (store) => store.put(bytes.slice(), key(place)));
  }

  turn(generation: number): Promise<void> {
    return this.change(STATE, (store) => store.put(generation, CURRENT));
  }

  remove(places: readonly Place[]): Promise<void> {
    return this.change(PIECES, (store) => places.forEach((place) => store.delete(key(place))));
  }

  close(): void {
    // `db` is not there if the lock was not to be had.
    (this.db as IDBDatabase | undefined)?.close();
    this.release?.();
    this.release = undefined;
  }

  private change(name: string, action: (store: IDBObjectStore) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(name, 'readwrite', { durability: this.durability });
      transaction.oncomplete = () => resolve();
      // An error aborts it, and what it was is known then.
      transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB gave a transaction up'));
      action(transaction.objectStore(name));
      transaction.commit();
    });
  }
}

export class IndexedDbStorage extends PiecesStorage {
  /** `name` is the database's. With `durability: 'relaxed'` the browser need not wait for the disk. */
  constructor(name = 'redstart', { durability = 'strict', ...lock }: LockOptions & { durability?: 'strict' | 'relaxed' } = {}) {
    super(new IndexedDbShelf(name, durability, waitOf(lock)));
  }
}
