/**
 * Where a data set outlives its engine: a base, which is the whole at one time, and the journal of what
 * came after.
 *
 * The bytes are those of Redis's append-only file, base and journal one after the other. Storages keep
 * them and know nothing of what they say.
 */
export interface Storage {
  /** The base's pieces, then the journal's, in order. They may be cut anywhere. */
  load(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Appends to the journal. Once it has returned, or its promise has resolved, the bytes cannot be lost. */
  append(bytes: Uint8Array): void | Promise<void>;
  /** How many bytes there are of each. */
  sizes(): { base: number; journal: number };
  /** Begins another base. What is appended from now on comes after it; until `commit` the old ones are kept too. */
  begin(): Base;
  /** Nothing more is written: lets go of what is open. */
  close?(): void | Promise<void>;
}

/** A base that is being written. */
export interface Base {
  write(piece: Uint8Array): void | Promise<void>;
  /** It is whole: it takes the place of the old base and of the journal up to `begin`. */
  commit(): void | Promise<void>;
  /** Forgets it. The journal since `begin` is kept. */
  abort(): void | Promise<void>;
}

/** What makes storages of a kind, by their names: which there are, the runtime's entry knows. */
export type Storages = { readonly [kind: string]: (name: string) => Promise<Storage> };

let storages: Storages = {};

/** @internal */
export function setStorages(known: Storages): void {
  storages = known;
}

/** The storage that a text such as `indexeddb:app` names. */
export async function storageNamed(text: string): Promise<Storage> {
  const [kind, ...name] = text.split(':');
  const make = Object.hasOwn(storages, kind!) ? storages[kind!] : undefined;
  if (!make || name.length === 0) {
    const known = Object.keys(storages).map((kind) => `${kind}:NAME`);
    throw new TypeError(`storage: expected ${[...known, 'an object'].join(', ')}, got ${text}`);
  }
  return make(name.join(':'));
}
