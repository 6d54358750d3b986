/**
 * What the storages without files of any length share: a base and a journal are rows of numbered pieces.
 *
 * A generation is a base and the journal behind it. While another base is written there are two: the journal
 * goes to the new one from the beginning, and when its base is whole one write makes it the current one. So
 * what is loaded is the current generation's base, its journal, and the journals of later ones.
 */

import type { Base, Storage } from '../storage.js';
import { inUse } from './lock.js';

/** Which piece: of which generation, of its base or its journal, and its place there. */
export interface Place {
  generation: number;
  kind: 'base' | 'journal';
  n: number;
}

/** Where pieces are kept. All calls are made one after the other. */
export interface Shelf {
  /** The current generation (0 at first) and the pieces there are, with their lengths, in any order. */
  open(): Promise<{ current: number; pieces: (Place & { bytes: number })[] }>;
  read(place: Place): Promise<Uint8Array>;
  /** Once it resolves the piece cannot be lost. Of a piece that is cut off nothing may be seen. */
  write(place: Place, bytes: Uint8Array): Promise<void>;
  /** Makes another generation the current one, in one step. */
  turn(generation: number): Promise<void>;
  remove(places: readonly Place[]): Promise<void>;
  /** Lets go of what `open` took, also where that has failed. It may be opened again. */
  close?(): void;
}

/** A piece is no longer than this. */
const PIECE_BYTES = 1 << 20;

export class PiecesStorage implements Storage {
  private readonly shelf: Shelf;
  private current = 0;
  private latest = 0;
  private n = 0;
  private pieces: (Place & { bytes: number })[] = [];
  /** What was written of something that could not be written whole. */
  private half: (Place & { bytes: number })[] = [];
  private opening: Promise<void> | undefined;
  /** An engine has loaded it and not closed it. */
  private isUsed = false;
  /** Engines that were refused, since another has this, and have not closed it yet. */
  private refused = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(shelf: Shelf) {
    this.shelf = shelf;
  }

  async *load(): AsyncGenerator<Uint8Array> {
    if (this.isUsed) {
      this.refused++;
      throw inUse('this storage object', 'close that one first');
    }
    this.isUsed = true;
    await this.opened();
    const { current } = this;
    const there = this.pieces.filter((piece) => piece.generation >= current && (piece.kind === 'journal' || piece.generation === current));
    there.sort((a, b) => a.generation - b.generation || a.kind.localeCompare(b.kind) || a.n - b.n);
    for (const piece of there) yield await this.inTurn(() => this.shelf.read(piece));
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (!this.opening) await this.opened();
    await this.inTurn(() => this.put(this.latest, 'journal', bytes));
  }

  sizes(): { base: number; journal: number } {
    const sum = (kind: Place['kind'], is: (generation: number) => boolean) =>
      this.pieces.reduce((bytes, piece) => bytes + (piece.kind === kind && is(piece.generation) ? piece.bytes : 0), 0);
    return { base: sum('base', (g) => g === this.current), journal: sum('journal', (g) => g >= this.current) };
  }

  begin(): Base {
    const generation = this.latest + 1;
    // In its turn: what was appended before belongs to the old one.
    void this.inTurn(async () => (this.latest = generation));
    return {
      write: (piece) => this.inTurn(() => this.put(generation, 'base', piece)),
      commit: () =>
        this.inTurn(async () => {
          await this.shelf.turn(generation);
          this.current = generation;
          // What cannot be removed now is when it is opened next.
          await this.drop((piece) => piece.generation < generation).catch(() => undefined);
        }),
      abort: () => this.inTurn(() => this.drop((piece) => piece.generation === generation && piece.kind === 'base')),
    };
  }

  async close(): Promise<void> {
    await this.inTurn(async () => {
      // Whoever was refused has opened nothing.
      if (this.refused > 0) return void this.refused--;
      this.isUsed = false;
      this.opening = undefined;
      this.shelf.close?.();
    });
  }

  private opened(): Promise<void> {
    return (this.opening ??= this.inTurn(async () => {
      const { current, pieces } = await this.shelf.open();
      this.pieces = pieces;
      this.half = [];
      this.current = current;
      this.latest = Math.max(current, ...pieces.map((piece) => piece.generation));
      // A base that was not finished is none, and what an interrupted `commit` left is not needed.
      await this.drop((piece) => piece.generation < current || (piece.kind === 'base' && piece.generation > current));
      this.n = 0;
      for (const piece of pieces) if (piece.generation === this.latest) this.n = Math.max(this.n, piece.n + 1);
    }));
  }

  private async put(generation: number, kind: Place['kind'], bytes: Uint8Array): Promise<void> {
    // What follows must not stand behind half a command. The last is first to go, as what is left may be read.
    for (; this.half.length > 0; this.half.pop()) await this.shelf.remove(this.half.slice(-1));
    for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
      const piece = bytes.subarray(from, from + PIECE_BYTES);
      const place = { generation, kind, n: this.n++ };
      await this.shelf.write(place, piece);
      this.half.push({ ...place, bytes: piece.length });
    }
    this.pieces.push(...this.half.splice(0));
  }

  private async drop(is: (piece: Place) => boolean): Promise<void> {
    const gone = this.pieces.filter(is);
    if (gone.length === 0) return;
    await this.shelf.remove(gone);
    this.pieces = this.pieces.filter((piece) => !is(piece));
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.last.then(action);
    this.last = result.catch(() => undefined);
    return result;
  }
}
