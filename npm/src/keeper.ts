/**
 * Keeps an engine's data in a storage: writes down its journal, and a new base now and then.
 *
 * What one turn of the event loop did is one append (`strict`), or what a tenth of a second did (`relaxed`). While
 * one is on its way the next is collected, so a slow storage gets fewer and larger ones. Under `strict`, what is
 * sent to connections waits until all that came before it is in the storage.
 *
 * A base is the data set as it was when it was begun, and is written a bounded piece at a time with the turn given
 * back in between. The storage is told where it begins once it has all of the journal before.
 */

import { join } from './bytes.js';
import { nextTurn } from './clock.js';
import type { Base, Storage } from './storage.js';

export type Durability = 'strict' | 'relaxed';

/** What a keeper asks of the engine. */
export interface Kept {
  /** Adds all that there is of the journal. */
  settle(): void;
  /** The data set as it is now is the next base: what is added from here on goes behind it. */
  beginBase(): void;
  /** About so many bytes of that base, which are written while the engine works on. */
  basePiece(bytes: number): { piece: Uint8Array; isLast: boolean };
  /** The base is stored, or it could not be. */
  endBase(isStored: boolean): void;
  /** The journal cannot be written, for this reason; or it can again. */
  failed(reason: string | undefined): void;
}

const RELAXED_MS = 100;
/** How long nothing is written before a new base is. */
const IDLE_MS = 250;
const RETRY_MS = 1000;
/** A journal of fewer bytes is left as it is. */
const JOURNAL_MIN = 4 << 20;
/** A journal so many times as long as it should be is not left until there is time. */
const JOURNAL_FACTOR = 4;
const PIECE_BYTES = 1 << 20;
/** So much of a base is written in one go, which takes a few milliseconds. */
const STEP_BYTES = 64 << 10;

type Timer = ReturnType<typeof setTimeout>;

export class Keeper {
  private readonly storage: Storage;
  private readonly durability: Durability;
  private readonly kept: Kept;
  /** What the storage has not been given. */
  private waiting: Uint8Array[] = [];
  /** What is to be done once it has all. */
  private held: (() => void)[] = [];
  private writing: Promise<void> | undefined;
  private compacting: Promise<void> | undefined;
  /** A base that begins behind so many of `waiting`. */
  private cut: { behind: number; begun: (base: Base) => void; failed: (error: unknown) => void } | undefined;
  /** No new base while the journal is shorter: the last one could not be stored. */
  private patience = 0;
  private error: unknown;
  private timer: Timer | undefined;
  private idle: Timer | undefined;
  private closing: Promise<void> | undefined;
  private readonly hide = () => void this.write();

  constructor(storage: Storage, durability: Durability, kept: Kept) {
    this.storage = storage;
    this.durability = durability;
    this.kept = kept;
    // A page that is hidden may never be shown again.
    if (typeof document !== 'undefined') document.addEventListener('visibilitychange', this.hide);
  }

  /** Gives the engine what the storage has. */
  static async read(storage: Storage, engine: { load(base: Uint8Array): void; replay(journal: Uint8Array): number }): Promise<{ isWhole: boolean }> {
    const pieces: Uint8Array[] = [];
    for await (const piece of storage.load()) pieces.push(piece);
    const all = join(pieces);
    let at = 0;
    const { base } = storage.sizes();
    if (base > 0 && isRdb(all)) {
      engine.load(all.subarray(0, base));
      at = base;
    }
    while (at < all.length) {
      // The engine has room for the whole commands of a piece, or for one that is longer.
      let end = Math.min(all.length, at + PIECE_BYTES);
      let taken = engine.replay(all.subarray(at, end));
      while (taken === 0 && end < all.length) {
        end = Math.min(all.length, at + 2 * (end - at));
        taken = engine.replay(all.subarray(at, end));
      }
      if (taken === 0) return { isWhole: false };
      at += taken;
    }
    return { isWhole: true };
  }

  /** Some more of the journal. */
  add(bytes: Uint8Array): void {
    this.waiting.push(bytes);
    if (this.writing || this.timer !== undefined) return;
    if (this.durability === 'strict') {
      void this.write();
    } else {
      // This timer keeps a process alive until all is written.
      this.timer = setTimeout(() => void this.write(), RELAXED_MS);
    }
  }

  /** Does this once all that was added is in the storage, under `strict`; at once under `relaxed`. */
  after(action: () => void): void {
    if (this.durability === 'strict' && (this.writing || this.waiting.length > 0)) this.held.push(action);
    else action();
  }

  /** Resolves when all that was added is in the storage. */
  async saved(): Promise<void> {
    await this.write();
    if (this.error !== undefined) throw this.error;
  }

  /** Writes a new base, which takes the place of the old one and of the journal. */
  compact(): Promise<void> {
    return (this.compacting ??= this.writeBase().finally(() => (this.compacting = undefined)));
  }

  /** Saves all, and lets go of the storage. */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', this.hide);
    if (this.idle !== undefined) clearTimeout(this.idle);
    await this.compacting?.catch(() => undefined);
    try {
      await this.saved();
    } finally {
      // Nobody is there any more to try again.
      if (this.timer !== undefined) clearTimeout(this.timer);
      await this.storage.close?.();
    }
  }

  private write(): Promise<void> {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    // Never at once: what the rest of this turn does is to go along.
    return (this.writing ??= Promise.resolve().then(() => this.writeAll()));
  }

  private async writeAll(): Promise<void> {
    try {
      for (;;) {
        if (this.cut?.behind === 0) {
          this.cut.begun(this.storage.begin());
          this.cut = undefined;
        }
        const parts = this.waiting.splice(0, this.cut?.behind ?? this.waiting.length);
        if (parts.length === 0) break;
        if (this.cut) this.cut.behind -= parts.length;
        try {
          await this.storage.append(join(parts));
        } catch (error) {
          this.waiting = [...parts, ...this.waiting];
          throw error;
        }
      }
      if (this.error !== undefined) this.kept.failed(undefined);
      this.error = undefined;
    } catch (error) {
      this.error = error;
      this.cut?.failed(error);
      this.cut = undefined;
      this.kept.failed(error instanceof Error ? error.message : String(error));
      this.timer ??= setTimeout(() => void this.write(), RETRY_MS);
      return;
    } finally {
      this.writing = undefined;
    }
    const held = this.held;
    this.held = [];
    for (const action of held) action();
    this.think();
  }

  /** Whether it is time for a new base. */
  private think(): void {
    if (this.closing || this.compacting) return;
    const { base, journal } = this.storage.sizes();
    const most = Math.max(JOURNAL_MIN, base, this.patience);
    if (journal <= most) return;
    if (this.idle !== undefined) clearTimeout(this.idle);
    const compact = () => void this.compact().catch(() => undefined);
    if (journal > JOURNAL_FACTOR * most) return compact();
    this.idle = setTimeout(compact, IDLE_MS);
  }

  private async writeBase(): Promise<void> {
    if (this.idle !== undefined) clearTimeout(this.idle);
    this.kept.settle();
    const behind = this.waiting.length;
    this.kept.beginBase();
    let base: Base | undefined;
    let isStored = false;
    try {
      base = await new Promise<Base>((begun, failed) => {
        this.cut = { behind, begun, failed };
        void this.write();
      });
      await this.fill(base);
      await base.commit();
      isStored = true;
      this.patience = 0;
    } catch (error) {
      this.patience = 2 * this.storage.sizes().journal;
      await base?.abort();
      throw error;
    } finally {
      this.kept.endBase(isStored);
    }
  }

  private async fill(base: Base): Promise<void> {
    let parts: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const { piece, isLast } = this.kept.basePiece(STEP_BYTES);
      parts.push(piece);
      bytes += piece.length;
      if (bytes >= PIECE_BYTES || isLast) {
        await base.write(join(parts));
        parts = [];
        bytes = 0;
      }
      if (isLast) return;
      await nextTurn();
    }
  }
}

function isRdb(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 5)) === 'REDIS';
}
