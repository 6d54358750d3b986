/**
 * SCAN and its kin: with a cursor they are the command, without one they walk through everything.
 *
 *     for await (const key of store.scan({ match: 'user:*' })) …
 *     for (const [field, value] of engine.hscan('h')) …
 */

import type { Reply } from './reply.js';
import type { Arg, Input, Options } from './request.js';
import type { Mode, Out } from './table.js';

/** What narrows a walk. */
export interface ScanOptions {
  match?: Arg;
  MATCH?: Arg;
  /** How many elements to look at per step. */
  count?: number;
  COUNT?: number;
}

/** What narrows a walk over the keys. */
export interface KeyScanOptions extends ScanOptions {
  type?: string;
  TYPE?: string;
}

/** Steps on the engine, waits on the store. */
export interface Walks<T> {
  now: IterableIterator<T>;
  later: AsyncIterableIterator<T>;
}

/** The commands with a cursor. */
export interface Scans<S extends string | Uint8Array, M extends Mode> {
  /** Returns some keys, and the cursor to go on with. `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]` */
  scan(cursor: Arg, ...options: Input[]): Out<M, [cursor: S, keys: S[]]>;
  /** Returns some fields and values of a hash, one after the other, and the cursor to go on with. */
  hscan(key: Arg, cursor: Arg, ...options: Input[]): Out<M, [cursor: S, pairs: S[]]>;
  hScan(key: Arg, cursor: Arg, ...options: Input[]): Out<M, [cursor: S, pairs: S[]]>;
  /** Returns some members of a set, and the cursor to go on with. */
  sscan(key: Arg, cursor: Arg, ...options: Input[]): Out<M, [cursor: S, members: S[]]>;
  sScan(key: Arg, cursor: Arg, ...options: Input[]): Out<M, [cursor: S, members: S[]]>;
  /** Returns some members and scores of a sorted set, one after the other, and the cursor to go on with. */
  zscan(key: Arg, cursor: Arg, ...options: Input[]): Out<M, [cursor: S, pairs: S[]]>;
  zScan(key: Arg, cursor: Arg, ...options: Input[]): Out<M, [cursor: S, pairs: S[]]>;
}

/** The walks; an element may come twice while others change what is walked through, as with the commands. */
export interface Walkers<W extends keyof Walks<unknown>> {
  /** All keys, or those that match. */
  scan(options?: KeyScanOptions): Walks<string>[W];
  /** All fields of a hash with their values. */
  hscan(key: Arg, options?: ScanOptions): Walks<[field: string, value: string]>[W];
  hScan(key: Arg, options?: ScanOptions): Walks<[field: string, value: string]>[W];
  /** All members of a set. */
  sscan(key: Arg, options?: ScanOptions): Walks<string>[W];
  sScan(key: Arg, options?: ScanOptions): Walks<string>[W];
  /** All members of a sorted set with their scores. */
  zscan(key: Arg, options?: ScanOptions): Walks<[member: string, score: number]>[W];
  zScan(key: Arg, options?: ScanOptions): Walks<[member: string, score: number]>[W];
}

export type ScansAndWalks<W extends keyof Walks<unknown>> = Scans<string, W> & Walkers<W>;

export const SCANS = ['scan', 'hscan', 'sscan', 'zscan'] as const;
type Scan = (typeof SCANS)[number];

/** Whether a call without a cursor was made, which asks for a walk. */
export function isWalk(name: Scan, inputs: readonly unknown[]): boolean {
  const place = name === 'scan' ? 0 : 1;
  const cursor = inputs[place];
  return inputs.length <= place + 1 && (cursor === undefined || (typeof cursor === 'object' && cursor !== null && !ArrayBuffer.isView(cursor)));
}

/** The command for the next step of a walk. */
function step(name: Scan, inputs: readonly unknown[], cursor: string): Input[] {
  const [key, options] = name === 'scan' ? [undefined, inputs[0]] : inputs;
  return [name, ...(name === 'scan' ? [] : [key as Arg]), cursor, ...(options === undefined ? [] : [options as Options])];
}

/** One step's elements as the walk gives them. */
function elements(name: Scan, items: Reply[]): unknown[] {
  if (name === 'scan' || name === 'sscan') return items;
  const pairs: unknown[] = [];
  for (let i = 0; i < items.length; i += 2) pairs.push([items[i], name === 'zscan' ? Number(items[i + 1]) : items[i + 1]]);
  return pairs;
}

/** A walk on the engine. */
export function* walk(run: (command: Input[]) => Reply, name: Scan, inputs: readonly unknown[]): IterableIterator<unknown> {
  let cursor = '0';
  do {
    const [next, items] = run(step(name, inputs, cursor)) as [string, Reply[]];
    yield* elements(name, items);
    cursor = next;
  } while (cursor !== '0');
}

/** A walk on the store. */
export async function* walkLater(run: (command: Input[]) => Promise<Reply>, name: Scan, inputs: readonly unknown[]): AsyncIterableIterator<unknown> {
  let cursor = '0';
  do {
    const [next, items] = (await run(step(name, inputs, cursor))) as [string, Reply[]];
    yield* elements(name, items);
    cursor = next;
  } while (cursor !== '0');
}
