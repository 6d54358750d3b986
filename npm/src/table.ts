/**
 * One table of commands for every layer: the same methods on the engine, the store, a pipeline.
 *
 * The layers differ in when a reply is there, and so do the types: `Out` says what a method returns.
 */

import { ALIASES, NAMES, OBJECTS, PAIRS } from './generated/commands.js';
import type { Queue } from './queue.js';
import { type Arg, areArgs, flatten, Head, type Input } from './request.js';

/** What a method returns for a reply `R`: itself, a promise of it, or the queue it was added to. */
export interface Modes<R> {
  now: R;
  later: Promise<R>;
  queued: Queue<'now'>;
  queuedForLater: Queue<'later'>;
}

export type Mode = keyof Modes<unknown>;
export type Out<M extends Mode, R> = Modes<R>[M];

/** A command as it is sent. */
export interface Request {
  readonly head: Head;
  readonly args: readonly Arg[];
  /** Whether strings in the reply are wanted as bytes. */
  readonly bytes: boolean;
}

/** Heads by the names of commands, also of those that are none. */
const heads = new Map<string, Head>();
const HEADS_MAX = 512;

export function headOf(name: string): Head {
  let head = heads.get(name);
  if (!head) {
    const at = OBJECTS[NAMES.indexOf(name)] ?? '0';
    head = new Head(name, Object.hasOwn(PAIRS, name) ? PAIRS[name] : undefined, at === '.' ? -1 : at === ',' ? -2 : parseInt(at, 36));
    if (heads.size < HEADS_MAX) heads.set(name, head);
  }
  return head;
}

/** A command whose name is its first word; as redis-cli has it, `CONFIG GET` may be one word or two. */
export function named(command: readonly unknown[]): { head: Head; inputs: readonly unknown[] } {
  const [name, ...inputs] = command;
  if (typeof name !== 'string' || name.trim() === '') throw new TypeError('call: argument 1: expected the name of a command');
  return { head: headOf(name.trim().toLowerCase().replace(/\s+/g, '|')), inputs };
}

/** A command in one list, for calls that take one; `what` is the call. */
export function listed(command: readonly Input[], what: string): readonly Input[] {
  if (!Array.isArray(command)) throw new TypeError(`${what}: argument 1: expected a command as a list, such as ['GET', 'k']`);
  return command as readonly Input[];
}

/** What a call takes as plain arguments. */
export function plainArgs(head: Head, inputs: readonly unknown[]): readonly Arg[] {
  return areArgs(inputs) ? inputs : flatten(head, inputs);
}

/** A command in one list as a request. */
export function requestOf(command: readonly Input[], bytes = false): Request {
  const { head, inputs } = named(command);
  return { head, args: plainArgs(head, inputs), bytes };
}

/** Makes every command a method of `prototype`, by all its names. What is there already stays. */
export function install(prototype: object, method: (head: Head) => (...inputs: never[]) => unknown): void {
  const has = (name: string) => Object.hasOwn(prototype, name);
  const define = (name: string, value: unknown) => {
    if (!has(name)) Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  };
  for (const name of NAMES) if (!name.includes('|')) define(name.replaceAll('-', '_'), method(headOf(name)));
  for (const [alias, name] of Object.entries(ALIASES)) {
    const written = name.replaceAll('-', '_');
    define(alias, has(written) ? (prototype as { [name: string]: unknown })[written] : method(headOf(name)));
  }
}
