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
