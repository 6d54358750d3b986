/** Requests and replies as bytes, for those who carry them. */

import type { Reply } from '../index.js';
import type { Memory } from '../request.js';
import { Reader, replyEnd } from '../reply.js';

/** Bytes that grow, for a `Writer`. They always begin at 0. */
export class Buffer implements Memory {
  heap: Uint8Array = new Uint8Array(4096);

  room(bytes: number, keep: number): number {
    if (bytes > this.heap.length) {
      const heap = new Uint8Array(Math.max(bytes, 2 * this.heap.length));
      heap.set(this.heap.subarray(0, keep));
      this.heap = heap;
    }
    return 0;
  }

  /** Gives memory back that was needed once. */
  shrink(bytes: number): void {
    if (this.heap.length > bytes) this.heap = new Uint8Array(4096);
  }
}

const reader = new Reader();

/** All replies in `bytes`, without what was pushed. */
export function replies(bytes: Uint8Array, asBytes: boolean): Reply[] {
  const all: Reply[] = [];
  read(reader, bytes, asBytes);
  while (reader.more) {
    const isPush = reader.isPush;
    const reply = reader.next();
    if (!isPush) all.push(reply);
  }
  return all;
}

/** How many requests or replies there are. */
export function count(bytes: Uint8Array): number {
  let found = 0;
  for (let at = 0; at < bytes.length && (at = replyEnd(bytes, at)) >= 0; ) found++;
  return found;
}

/** Begins to read `bytes`. */
export function read(reader: Reader, bytes: Uint8Array, asBytes: boolean, command?: string): void {
  reader.moved(bytes);
  reader.begin(0, bytes.length, asBytes, command);
}

/** A character for each byte. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]);
  return text;
}

/** Back again. */
export function unlatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
