/**
 * Requests, written as RESP straight into the engine's memory.
 *
 * A string is ASCII far more often than not, and short: one loop over its code units finds its length in
 * UTF-8, and a second one writes it. Longer ones and others go through TextEncoder.
 */

/** A key, a value, a number: one argument. */
export type Arg = string | number | bigint | Uint8Array;

/** Options by their names: `{EX: 60}` is `EX 60`, `{nx: true}` is `NX`, `{limit: [0, 10]}` is `LIMIT 0 10`. */
export type Options = { readonly [name: string]: Arg | boolean | null | undefined | readonly Arg[] };

/** Fields with their values. */
export type Fields = { readonly [name: string]: Arg } | Map<Arg, Arg> | readonly Arg[];

/** What a call takes: arguments, lists of them, options, and fields with their values. */
export type Input = Arg | readonly Arg[] | Options | Map<Arg, Arg>;

/** Room for `$` or `*`, a number and two line ends. */
const HEADER = 16;

const encoder = new TextEncoder();

/** Where a request is written to: the engine gives `room` bytes at `at` in `heap`. */
export interface Memory {
  heap: Uint8Array;
  /** Makes room for `bytes` bytes and returns their address; the first `keep` stay what they are. */
  room(bytes: number, keep: number): number;
}

/** `*count\r\n` and the name as a bulk string, made once for every count. */
export class Head {
  readonly name: string;
  /** Which objects are fields and values, and not options. */
  readonly pairs: 'all' | 'last' | number | undefined;
  /** The first argument that may be an object; -1: values alone, -2: values alone, the last of them optional. */
  readonly objects: number;
  private readonly words: readonly string[];
  private readonly byCount: Uint8Array[] = [];

  constructor(name: string, pairs?: 'all' | 'last' | number, objects = 0) {
    this.name = name;
    this.pairs = pairs;
    this.objects = objects;
    this.words = name.toUpperCase().split('|');
  }

  /** The head for `args` arguments behind it. */
  bytes(args: number): Uint8Array {
    return this.byCount[args] ?? this.make(args);
  }

  private make(args: number): Uint8Array {
    let text = `*${args + this.words.length}\r\n`;
    for (const word of this.words) text += `$${word.length}\r\n${word}\r\n`;
    const bytes = encoder.encode(text);
    if (args < 32) {
      // Without holes, so that the array stays a plain one.
      for (let n = this.byCount.length; n < args; n++) this.bytes(n);
      this.byCount[args] = bytes;
    }
    return bytes;
  }
}

/** Bytes of `text` in UTF-8. A lone surrogate becomes U+FFFD, as TextEncoder does it. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      bytes += 1;
      continue;
    }
    bytes += 2;
    if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next < 0xe000) {
        // Two units, four bytes.
        i++;
      }
    }
  }
  return bytes;
}

/** Writes requests one after the other; `at` and `end` are addresses. */
export class Writer {
  private readonly memory: Memory;
  private start = 0;
  private at = 0;
  private end = 0;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** Begins with room for `bytes` bytes. */
  begin(bytes: number): void {
    this.start = this.at = this.memory.room(bytes, 0);
    this.end = this.start + bytes;
  }

  /** Bytes written since `begin`. */
  get length(): number {
    return this.at - this.start;
  }

  /**
   * A whole request: the head's bytes, unless they are there from the last time, and the arguments. `false` if some of
   * `inputs` are none as they stand: `flatten` them.
   */
  request(head: Uint8Array, inputs: readonly unknown[], isThere = false): boolean {
    const count = inputs.length;
    this.need(head.length);
    let heap = this.memory.heap;
    let at = this.at;
    if (!isThere) for (let i = 0; i < head.length; i++) heap[at + i] = head[i]!;
    at += head.length;
    for (let n = 0; n < count; n++) {
      let value = inputs[n];
      if (typeof value === 'number') value = String(value);
      // The usual argument, a short ASCII string, in place; every other kind in a function of its own.
      if (typeof value === 'string') {
        const length = value.length;
        if (length < 100 && at + length + HEADER <= this.end) {
          let to = at;
          heap[to++] = 36;
          if (length >= 10) heap[to++] = 48 + ((length / 10) | 0);
          heap[to++] = 48 + (length % 10);
          heap[to++] = 13;
          heap[to++] = 10;
          let seen = 0;
          for (let i = 0; i < length; i++) {
            const unit = value.charCodeAt(i);
            seen |= unit;
            heap[to + i] = unit;
          }
          to += length;
          if (seen < 0x80) {
            heap[to] = 13;
            heap[to + 1] = 10;
            at = to + 2;
            continue;
          }
        }
      } else if (!(value instanceof Uint8Array) && typeof value !== 'bigint') {
        return false;
      }
      this.at = at;
      this.arg(value);
      at = this.at;
      // The memory may have grown.
      heap = this.memory.heap;
    }
    this.at = at;
    return true;
  }

  /** One argument as a bulk string. */
  arg(value: Arg): void {
    if (typeof value === 'string') {
      this.text(value);
    } else if (typeof value === 'number' || typeof value === 'bigint') {
      this.text(String(value));
    } else {
      this.need(value.length + HEADER);
      this.header(value.length);
      this.memory.heap.set(value, this.at);
      this.at += value.length;
      this.line();
    }
  }

  private text(value: string): void {
    const bytes = utf8Length(value);
    this.need(bytes + HEADER);
    this.header(bytes);
    encoder.encodeInto(value, this.memory.heap.subarray(this.at, this.at + bytes));
    this.at += bytes;
    this.line();
  }

  private header(bytes: number): void {
    const heap = this.memory.heap;
    heap[this.at++] = 36;
    if (bytes < 10) {
      heap[this.at++] = 48 + bytes;
    } else if (bytes < 100) {
      heap[this.at++] = 48 + ((bytes / 10) | 0);
      heap[this.at++] = 48 + (bytes % 10);
    } else {
      const digits = String(bytes);
      for (let i = 0; i < digits.length; i++) heap[this.at++] = digits.charCodeAt(i);
    }
    this.line();
  }

  private line(): void {
    const heap = this.memory.heap;
    heap[this.at] = 13;
    heap[this.at + 1] = 10;
    this.at += 2;
  }

  private need(bytes: number): void {
    if (this.at + bytes <= this.end) return;
    const written = this.length;
    const room = Math.max(written + bytes, 2 * (this.end - this.start));
    this.start = this.memory.room(room, written);
    this.at = this.start + written;
    this.end = this.start + room;
  }
}

/** Whether every one of `inputs` is an argument as it stands. */
export function areArgs(inputs: readonly unknown[]): inputs is Arg[] {
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (typeof input !== 'string' && typeof input !== 'number' && !(input instanceof Uint8Array) && typeof input !== 'bigint') {
      return false;
    }
  }
  return true;
}

/** Lists, options, fields with values and other kinds of bytes as plain arguments. */
export function flatten(head: Head, inputs: readonly unknown[]): Arg[] {
  const args: Arg[] = [];
  const last = inputs.length - 1;
  inputs.forEach((input, i) => {
    if (Array.isArray(input)) {
      for (const item of input) args.push(plain(head, item, i));
    } else if (head.objects < 0 || i < head.objects) {
      // What may be left out may also be undefined.
      if (input !== undefined || head.objects !== -2 || i !== last || i === 0) args.push(plain(head, input, i));
    } else if (input instanceof Map || isOptions(input)) {
      const fields = head.pairs === 'all' || (head.pairs === 'last' ? i === last : i === head.pairs);
      for (const [name, value] of input instanceof Map ? input : Object.entries(input)) {
        if (fields) {
          args.push(plain(head, name, i), plain(head, value, i, name));
          continue;
        }
        if (value === false || value === undefined || value === null) continue;
        // What a Map has is left as it is: it need not be the names of options.
        args.push(typeof name === 'string' && !(input instanceof Map) ? name.toUpperCase() : plain(head, name, i));
        if (Array.isArray(value)) {
          for (const item of value) args.push(plain(head, item, i, name));
        } else if (value !== true) {
          args.push(plain(head, value, i, name));
        }
      }
    } else if (input === undefined && i === last && i > 0 && head.pairs === undefined) {
      // Options that were passed on and are not there.
    } else {
      args.push(plain(head, input, i));
    }
  });
  return args;
}

/** An object as it is written in code, or without a prototype: also one that comes from another realm. */
function isOptions(input: unknown): input is Record<string, unknown> {
  if (typeof input !== 'object' || input === null) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** One argument; `name` is the option's or the field's that it belongs to. */
function plain(head: Head, value: unknown, place: number, name?: unknown): Arg {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
      return value;
    default:
  }
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  // From another realm.
  if (tag === 'ArrayBuffer' || tag === 'SharedArrayBuffer') return new Uint8Array(value as ArrayBuffer).slice();
  const kind = value === null ? 'null' : typeof value !== 'object' ? typeof value : tag === 'Object' ? 'an object' : `an object (${tag})`;
  const whose = name === undefined ? '' : ` (${String(name)})`;
  throw new TypeError(`${head.name.replace('|', ' ') || 'call'}: argument ${place + 1}${whose}: expected a string, a number or bytes, got ${kind}`);
}
