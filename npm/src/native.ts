/**
 * One engine inside its own WebAssembly instance: its memory, the calls into it, and its death.
 *
 * A trap leaves the instance's memory in an unknown state. It is dropped then, and every later call says so.
 */

import { type Instance, instantiate, type Native as Exports } from '#glue';
import type { Time } from './clock.js';
import { EngineDeadError } from './error.js';
import { moduleNow } from './module.js';
import { flatten, type Head, type Memory, Writer } from './request.js';
import { Reader } from './reply.js';

/** Something the engine wants done. */
export type Event =
  | { kind: 'send'; connection: number; bytes: Uint8Array }
  | { kind: 'close'; connection: number }
  | { kind: 'push'; bytes: Uint8Array }
  | { kind: 'log'; line: string }
  | { kind: 'shutdown' }
  | { kind: 'journal'; bytes: Uint8Array };

const SEND = 0;
const CLOSE = 1;
const PUSH = 2;
const LOG = 4;
const SHUTDOWN = 5;
const JOURNAL = 6;

/** The input buffer's usual size. */
const ROOM = 4096;
/** A larger one is given back after use. */
const LARGE = 1 << 20;

/** What `call` returns: the length of the reply times eight, plus these; -1: it is very long, and all of them. */
const HAS_EVENTS = 1;
const MOVED = 2;
const HAS_DEADLINE = 4;

/** The number of the direct connection. */
export const DIRECT = -1;

const decoder = new TextDecoder();

export class Native implements Memory {
  heap: Uint8Array = new Uint8Array(0);
  readonly reader = new Reader();
  readonly writer = new Writer(this);
  /** Whether the last call left something for `events`. */
  pending = false;
  /** Whether the last call left something for `timeout`, if it was asked. */
  hasDeadline = false;
  private readonly memory: WebAssembly.Memory;
  private readonly time: Time;
  private exports: Exports | undefined;
  private cause: unknown;
  private inputAt = 0;
  private inputBytes = 0;
  private outputAt = 0;
  /** What the input begins with, if that is a request that was written there. */
  private headThere: Uint8Array | undefined;
  /** The engine's address in the memory, and its shortest way in. */
  private readonly address: number;
  private readonly call: Instance['call'];

  /** `config`: names and values, each with a NUL behind it. */
  constructor(seed: Uint8Array, config: string, time: Time) {
    const instance = instantiate(moduleNow());
    this.memory = instance.memory;
    this.time = time;
    this.exports = new instance.Engine(seed, config, time.now(), time.mono());
    this.address = this.exports.address();
    this.call = instance.call;
    this.look();
    this.room(ROOM, 0);
  }

  /** Why the engine is dead, or `undefined`. */
  get isDead(): boolean {
    return this.exports === undefined;
  }

  /** Runs one command on the direct connection; the reply is the reader's to read. */
  run(head: Head, inputs: readonly unknown[], bytes: boolean, wantsDeadline: boolean): Reader {
    if (this.exports === undefined) this.live();
    const name = head.bytes(inputs.length);
    const isThere = this.headThere === name && this.inputBytes >= ROOM;
    const size = isThere && inputs.length === 0 ? name.length : this.write(head, name, inputs, isThere);
    const length = this.enter(DIRECT, size, this.time.now(), this.time.last, wantsDeadline);
    this.reader.begin(this.outputAt, length, bytes, head.name);
    return this.reader;
  }

  /** Writes a request into the input, all but the `name` if that is there; how many bytes it has. */
  private write(head: Head, name: Uint8Array, inputs: readonly unknown[], isThere: boolean): number {
    const writer = this.writer;
    writer.begin(ROOM);
    if (writer.request(name, inputs, isThere)) {
      this.headThere = name;
    } else {
      const args = flatten(head, inputs);
      writer.begin(ROOM);
      writer.request(head.bytes(args.length), args);
    }
    return writer.length;
  }

  /**
   * Gives bytes to a connection; its replies, as they come. Those of others than the direct one are there only if there
   * is nothing else to do: otherwise `events` tells of them in their turn.
   */
  exchange(connection: number, bytes: Uint8Array): Uint8Array {
    this.live();
    const at = this.room(bytes.length, 0);
    this.heap.set(bytes, at);
    const now = this.time.now();
    const length = this.enter(connection, bytes.length, now, this.time.recent(now), true);
    return this.heap.slice(this.outputAt, this.outputAt + length);
  }

  connect(address: string): number {
    return this.guard((exports) => exports.connect(address, this.time.now(), this.time.mono()));
  }

  disconnect(connection: number): void {
    this.guard((exports) => exports.disconnect(connection, this.time.now(), this.time.mono()));
    this.pending = true;
  }

  timeout(): void {
    this.guard((exports) => exports.timeout(this.time.now(), this.time.mono()));
    this.pending = true;
  }

  /** When `timeout` wants to be called, on the monotonic clock; negative: never. */
  deadline(): number {
    return this.exports ? this.exports.deadline() : -1;
  }

  /** What the engine wants done, in order. */
  events(): Event[] {
    this.pending = false;
    const events: Event[] = [];
    const exports = this.live();
    // Only what is counted by the second depends on the time here.
    const now = this.time.now();
    const mono = this.time.last;
    try {
      for (let code; (code = exports.poll(now, mono)) >= 0; ) {
        const connection = code >> 3;
        switch (code & 7) {
          case SEND:
            events.push({ kind: 'send', connection, bytes: this.output() });
            break;
          case CLOSE:
            exports.disconnect(connection, now, mono);
            events.push({ kind: 'close', connection });
            break;
          case PUSH:
            events.push({ kind: 'push', bytes: this.output() });
            break;
          case LOG:
            events.push({ kind: 'log', line: decoder.decode(this.output()) });
            break;
          case SHUTDOWN:
            events.push({ kind: 'shutdown' });
            break;
          case JOURNAL:
            events.push({ kind: 'journal', bytes: this.output() });
            break;
          default:
        }
      }
    } catch (error) {
      throw this.die(error);
    }
    if (this.heap.length === 0) this.look();
    return events;
  }

  report(): { usedMemory: number; wasmMemory: number; connections: number } {
    return this.guard((exports) => ({
      usedMemory: exports.used_memory(),
      wasmMemory: exports.wasm_memory(),
      connections: exports.connections(),
    }));
  }

  /** The data set as an RDB file. */
  dump(): Uint8Array {
    this.guard((exports) => exports.dump(this.time.now(), this.time.mono()));
    return this.output();
  }

  /** Begins a base, behind which the journal goes on: `events` has told all before. */
  beginBase(): void {
    const began = this.guard((exports) => exports.begin_base(this.time.now(), this.time.mono()));
    if (!began) throw new Error('a base is being written already');
    this.pending = true;
  }

  /** The base's next bytes; whether they are the last. */
  basePiece(bytes: number): { piece: Uint8Array; isLast: boolean } {
    const state = this.guard((exports) => exports.base_piece(bytes, this.time.now(), this.time.mono()));
    if (state === 0) throw new Error('the base was given up');
    return { piece: this.output(), isLast: state === 2 };
  }

  /** The base is stored, or could not be. */
  endBase(isStored: boolean): void {
    this.guard((exports) => exports.end_base(isStored, this.time.now(), this.time.mono()));
    this.pending = true;
  }

  /** Runs what is whole of a journal; how many bytes that is. */
  replay(journal: Uint8Array): number {
    return this.given(journal, (exports) => exports.replay(journal.length, this.time.now(), this.time.mono()));
  }

  /** While there is a reason, writes are refused. */
  journalFailed(reason: string | undefined): void {
    this.guard((exports) => exports.journal_failed(reason ?? '', this.time.now(), this.time.mono()));
  }

  /** Adds what is in an RDB file. */
  load(file: Uint8Array): void {
    this.given(file, (exports) => exports.load(file.length, this.time.now(), this.time.mono()));
  }

  /** Another number than before when something has changed. */
  changes(): number {
    return this.exports ? this.exports.changes() : 0;
  }

  free(): void {
    const exports = this.exports;
    this.exports = undefined;
    this.cause = undefined;
    // The instance and its memory go with the last reference to it.
    exports?.free();
  }

  /** @internal */
  room(bytes: number, keep: number): number {
    this.headThere = undefined;
    if (bytes <= this.inputBytes) return this.inputAt;
    const kept = keep > 0 ? this.heap.slice(this.inputAt, this.inputAt + keep) : undefined;
    const wanted = Math.max(bytes, ROOM);
    this.inputAt = this.guard((exports) => exports.input(wanted));
    this.inputBytes = wanted;
    if (kept) this.heap.set(kept, this.inputAt);
    return this.inputAt;
  }

  /** The call that runs what is in the input; how many bytes the output has. */
  private enter(connection: number, bytes: number, now: number, mono: number, wantsDeadline: boolean): number {
    let code: number;
    try {
      code = this.call(this.address, connection, bytes, now, mono, wantsDeadline);
      if ((code & MOVED) !== 0) this.outputAt = this.live().output();
    } catch (error) {
      throw this.die(error);
    }
    if ((code & HAS_EVENTS) !== 0) this.pending = true;
    this.hasDeadline = (code & HAS_DEADLINE) !== 0;
    if (this.heap.length === 0) this.look();
    if (this.inputBytes > LARGE) this.inputBytes = 0;
    return code < 0 ? this.live().output_bytes() : code >> 3;
  }

  /** A call that finds these bytes in the input. */
  private given<T>(bytes: Uint8Array, call: (exports: Exports) => T): T {
    const at = this.room(bytes.length, 0);
    this.heap.set(bytes, at);
    try {
      return this.guard(call);
    } finally {
      if (this.inputBytes > LARGE) this.inputBytes = 0;
    }
  }

  private output(): Uint8Array {
    const exports = this.live();
    const at = exports.output();
    const bytes = exports.output_bytes();
    if (this.heap.length === 0) this.look();
    return this.heap.slice(at, at + bytes);
  }

  private live(): Exports {
    if (this.exports) return this.exports;
    if (this.cause === undefined) throw new EngineDeadError('the engine was freed');
    throw new EngineDeadError('the engine is dead: its WebAssembly instance trapped earlier, and its data is lost', {
      cause: this.cause,
    });
  }

  private guard<T>(call: (exports: Exports) => T): T {
    const exports = this.live();
    let result: T;
    try {
      result = call(exports);
    } catch (error) {
      throw this.die(error);
    }
    if (this.heap.length === 0) this.look();
    return result;
  }

  /** After a trap nothing in the instance can be trusted. */
  private die(error: unknown): unknown {
    const trapped = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
    if (!trapped) return error;
    this.exports = undefined;
    this.cause = error;
    this.heap = new Uint8Array(0);
    return new EngineDeadError('the engine died: its WebAssembly instance trapped, and its data is lost', {
      cause: error,
    });
  }

  /** The memory has grown: its old buffer is gone. */
  private look(): void {
    this.heap = new Uint8Array(this.memory.buffer);
    this.reader.moved(this.heap);
  }
}
