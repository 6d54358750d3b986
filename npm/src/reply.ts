/**
 * Replies, read straight from the engine's memory.
 *
 * The direct connection speaks RESP3, so each reply says what it is: maps become objects, sets become
 * arrays, doubles numbers, and integers numbers as long as a number can hold them.
 */

import { ascii, ASCII_MAX } from './ascii.js';
import { ReplyError } from './error.js';

/** Anything that a command can reply. */
export type Reply =
  | null
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | ReplyError
  | Reply[]
  | { [key: string]: Reply };

/** Strings of at most so many bytes are read by a loop. */
const SHORT = 40;
/** Bytes of at least so many are not copied where they need not be. */
const SHARED = 4096;
/**
 * So many bytes of an aggregate are decoded at once, and its strings are parts of that. Engines let a part keep the
 * whole alive, so it is not more.
 */
const WINDOW = 2048;
/** Aggregates of fewer elements are not worth it. */
const FEW = 4;
/** Longer strings are decoded for themselves. */
const PART_MAX = 256;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

type Slices = Uint8Array & { utf8Slice?(from: number, to: number): string; latin1Slice?(from: number, to: number): string };
declare const Buffer: undefined | { from(buffer: ArrayBufferLike, from: number, bytes: number): Slices };
/** Asked once: in a page, what is not there is looked for among its frames too. */
const buffers = typeof Buffer === 'undefined' ? undefined : Buffer;

/** Reads the replies in one output, one after the other. */
export class Reader {
  private heap: Uint8Array = new Uint8Array(0);
  /** Node's and Bun's own reader of strings, faster than TextDecoder for short ones. */
  private slices: Slices | undefined;
  private at = 0;
  private end = 0;
  private bytes = false;
  private command: string | undefined;
  /** What was decoded at once, and of which bytes: each of them is a character, or there are none. */
  private window = '';
  private windowFrom = 0;
  private windowTo = 0;
  /** Where the next window may begin: nowhere outside of aggregates. */
  private windowNext = Infinity;
  /** Whether the memory is the reader's own, so that large strings of bytes may be views of it. */
  shares = false;

  /** The memory has a new buffer. */
  moved(heap: Uint8Array): void {
    this.heap = heap;
    if (buffers) {
      const slices = buffers.from(heap.buffer, heap.byteOffset, heap.byteLength);
      this.slices = slices.latin1Slice && slices.utf8Slice ? slices : undefined;
    }
  }

  /** Begins at an address; `bytes`: strings as bytes; `command`: for the errors. */
  begin(at: number, length: number, bytes: boolean, command: string | undefined): void {
    this.at = at;
    this.end = at + length;
    this.bytes = bytes;
    this.command = command;
    this.windowTo = 0;
    this.windowNext = Infinity;
  }

  /** How the replies from here on are to come. */
  as(bytes: boolean, command: string | undefined): void {
    this.bytes = bytes;
    this.command = command;
  }

  /** Whether another reply is there. */
  get more(): boolean {
    return this.at < this.end;
  }

  /** Whether the next one is a pushed message. */
  get isPush(): boolean {
    return this.heap[this.at] === 0x3e;
  }

  /** The next one. */
  next(): Reply {
    const kind = this.heap[this.at++];
    switch (kind) {
      case 0x24: // $
      case 0x3d: { // =
        const length = this.int();
        if (length < 0) return null;
        const skip = kind === 0x3d ? 4 : 0;
        const from = this.at + skip;
        this.at += length + 2;
        return this.string(from, length - skip);
      }
      case 0x2b: { // +
        const heap = this.heap;
        const from = this.at;
        if (heap[from] === 0x4f && heap[from + 1] === 0x4b && heap[from + 2] === 13) {
          this.at += 4;
          return 'OK';
        }
        if (heap[from] === 0x50 && heap[from + 1] === 0x4f && heap[from + 2] === 0x4e && heap[from + 3] === 0x47 && heap[from + 4] === 13) {
          this.at += 6;
          return 'PONG';
        }
        return this.text(from, this.lineEnd() - from);
      }
      case 0x3a: // :
        return this.integer();
      case 0x5f: // _
        this.at += 2;
        return null;
      case 0x2a: // *
      case 0x7e: // ~
      case 0x3e: { // >
        const length = this.int();
        if (length < 0) return null;
        // Two entries of a stream have many strings.
        if (length >= FEW || (length > 1 && this.heap[this.at] === 0x2a)) this.windowNext = this.at;
        // Engines make an array of a known length faster than one of any.
        if (length === 0) return [];
        if (length === 2) return [this.next(), this.next()];
        if (length === 3) return [this.next(), this.next(), this.next()];
        const items = new Array<Reply>(length);
        let i = length >= FEW && !this.bytes ? this.texts(items, length) : 0;
        for (; i < length; i++) items[i] = this.next();
        return items;
      }
      case 0x25: { // %
        const length = this.int();
        if (length >= FEW) this.windowNext = this.at;
        const map: { [key: string]: Reply } = {};
        const bytes = this.bytes;
        for (let i = 0; i < length; i++) {
          this.bytes = false;
          const key = String(this.next());
          this.bytes = bytes;
          const value = this.next();
          if (key === '__proto__') {
            Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
          } else {
            map[key] = value;
          }
        }
        return map;
      }
      case 0x2c: { // ,
        const from = this.at;
        const text = this.text(from, this.lineEnd() - from);
        return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
      }
      case 0x23: { // #
        const value = this.heap[this.at] === 0x74;
        this.at += 3;
        return value;
      }
      case 0x28: { // (
        const from = this.at;
        return BigInt(this.text(from, this.lineEnd() - from));
      }
      case 0x2d: { // -
        const from = this.at;
        return new ReplyError(this.text(from, this.lineEnd() - from), this.command);
      }
      case 0x7c: { // |: attributes, which say something about the reply behind them
        const length = this.int();
        for (let i = 0; i < 2 * length; i++) this.next();
        return this.next();
      }
      default:
        throw new Error(`the engine replied with an unknown type: ${kind}`);
    }
  }

  /** The number up to the end of the line; it fits a number, being a length. */
  private int(): number {
    const heap = this.heap;
    let at = this.at;
    const negative = heap[at] === 0x2d;
    if (negative) at++;
    let value = 0;
    // The digit's value first: the sum with its code would not be exact close to 2^53.
    for (let digit; (digit = heap[at]!) !== 13; at++) value = value * 10 + (digit - 48);
    this.at = at + 2;
    return negative ? -value : value;
  }

  private integer(): number | bigint {
    const from = this.at;
    const value = this.int();
    return Number.isSafeInteger(value) ? value : BigInt(this.text(from, this.at - 2 - from));
  }

  /** The end of the line; the next reply is behind it. */
  private lineEnd(): number {
    const heap = this.heap;
    let to = this.at;
    // Most lines are short.
    for (const near = to + SHORT; to < near && heap[to] !== 13; ) to++;
    if (heap[to] !== 13) to = heap.indexOf(13, to);
    this.at = to + 2;
    return to;
  }

  private string(from: number, length: number): string | Uint8Array {
    if (!this.bytes) return this.text(from, length);
    return this.shares && length >= SHARED ? this.heap.subarray(from, from + length) : this.heap.slice(from, from + length);
  }

  /** Reads strings into `items`, until something else comes or there are `most`; how many there were. */
  private texts(items: Reply[], most: number): number {
    const heap = this.heap;
    let { at, window, windowFrom, windowTo } = this;
    let count = 0;
    for (; count < most && heap[at] === 0x24; count++) {
      let digit = heap[at + 1]!;
      if (digit === 0x2d) break;
      let length = 0;
      for (at += 2; digit !== 13; digit = heap[at++]!) length = length * 10 + digit - 48;
      const from = at + 1;
      at = from + length;
      if (at <= windowTo) {
        items[count] = window.substring(from - windowFrom, at - windowFrom);
      } else {
        items[count] = this.text(from, length);
        ({ window, windowFrom, windowTo } = this);
      }
      at += 2;
    }
    this.at = at;
    return count;
  }

  /** Decodes from here on, as far as a window goes; whether that holds what ends at `to`. */
  private look(from: number, to: number): boolean {
    const end = Math.min(from + WINDOW, this.end);
    const window = this.slices ? this.slices.utf8Slice!(from, end) : decoder.decode(this.heap.subarray(from, end));
    // A character of several bytes makes it shorter, and what is no character is one all the same.
    const isWhole = window.length === end - from;
    this.window = window;
    this.windowFrom = from;
    this.windowTo = isWhole ? end : 0;
    this.windowNext = isWhole ? from : end;
    return isWhole && to <= end;
  }

  private text(from: number, length: number): string {
    const to = from + length;
    if (to <= this.windowTo || (from >= this.windowNext && length <= PART_MAX && this.look(from, to))) {
      return this.window.substring(from - this.windowFrom, to - this.windowFrom);
    }
    const heap = this.heap;
    if (length > SHORT) {
      return this.slices ? this.slices.utf8Slice!(from, to) : decoder.decode(heap.subarray(from, to));
    }
    if (length <= ASCII_MAX) {
      const text = ascii(heap, from, length);
      if (text !== undefined) return text;
      return decoder.decode(heap.subarray(from, to));
    }
    let seen = 0;
    for (let i = from; i < to; i++) seen |= heap[i]!;
    if (seen >= 0x80) return decoder.decode(heap.subarray(from, to));
    if (this.slices) return this.slices.latin1Slice!(from, to);
    let text = '';
    for (let at = from; at < to; at += ASCII_MAX) text += ascii(heap, at, Math.min(ASCII_MAX, to - at))!;
    return text;
  }
}

/** Where the reply that begins at `at` ends; -1 if not all of it is there. */
export function replyEnd(bytes: Uint8Array, at: number): number {
  // How many replies are still to be passed: an aggregate is one, and then its elements.
  for (let left = 1; left > 0; left--) {
    const kind = bytes[at];
    if (kind === undefined) return -1;
    switch (kind) {
      case 0x24: // $
      case 0x3d: // =
      case 0x2a: // *
      case 0x7e: // ~
      case 0x3e: // >
      case 0x25: // %
      case 0x7c: { // |
        let count = 0;
        const negative = bytes[++at] === 0x2d;
        if (negative) at++;
        for (let digit; (digit = bytes[at]) !== 13; at++) {
          if (digit === undefined) return -1;
          count = count * 10 + digit - 48;
        }
        at += 2;
        if (negative) break;
        if (kind === 0x24 || kind === 0x3d) at += count + 2;
        else if (kind === 0x25) left += 2 * count;
        // Attributes stand before the reply that they are about.
        else if (kind === 0x7c) left += 2 * count + 1;
        else left += count;
        break;
      }
      default: {
        const line = bytes.indexOf(10, at);
        if (line < 0) return -1;
        at = line + 1;
      }
    }
  }
  return at > bytes.length ? -1 : at;
}
