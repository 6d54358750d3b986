/**
 * Short strings, from bytes and back: one character per byte.
 *
 * One call with a code per argument takes a third of the time that a loop or a decoder does, so every length has a
 * line of its own.
 */

/** The longest that is read in one call. */
export const ASCII_MAX = 16;

const of = String.fromCharCode;

/** The string in `length` bytes from `i` on; `undefined` if it is longer than `ASCII_MAX`, or not all ASCII. */
export function ascii(h: Uint8Array, i: number, length: number): string | undefined {
  let seen = 0;
  for (let at = i; at < i + length; at++) seen |= h[at]!;
  return seen < 0x80 ? units(h, i, length) : undefined;
}

/** All of the bytes as a string, a character each, whatever they are. */
export function latin1(bytes: Uint8Array): string {
  const { length } = bytes;
  let text = '';
  for (let at = 0; at < length; at += ASCII_MAX) text += units(bytes, at, Math.min(ASCII_MAX, length - at))!;
  return text;
}

/** The bytes again, from `from` on. */
export function latin1Bytes(text: string, from: number): Uint8Array {
  const bytes = new Uint8Array(text.length - from);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(from + i);
  return bytes;
}

function units(h: Uint8Array, i: number, length: number): string | undefined {
  switch (length) {
    case 0: return '';
    case 1: return of(h[i]!);
    case 2: return of(h[i]!, h[i + 1]!);
    case 3: return of(h[i]!, h[i + 1]!, h[i + 2]!);
    case 4: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!);
    case 5: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!);
    case 6: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!);
    case 7: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!);
    case 8: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!);
    case 9: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!);
    case 10: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!, h[i + 9]!);
    case 11: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!, h[i + 9]!, h[i + 10]!);
    case 12: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!, h[i + 9]!, h[i + 10]!, h[i + 11]!);
    case 13: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!, h[i + 9]!, h[i + 10]!, h[i + 11]!, h[i + 12]!);
    case 14: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!, h[i + 9]!, h[i + 10]!, h[i + 11]!, h[i + 12]!, h[i + 13]!);
    case 15: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!, h[i + 9]!, h[i + 10]!, h[i + 11]!, h[i + 12]!, h[i + 13]!, h[i + 14]!);
    case 16: return of(h[i]!, h[i + 1]!, h[i + 2]!, h[i + 3]!, h[i + 4]!, h[i + 5]!, h[i + 6]!, h[i + 7]!, h[i + 8]!, h[i + 9]!, h[i + 10]!, h[i + 11]!, h[i + 12]!, h[i + 13]!, h[i + 14]!, h[i + 15]!);
    default: return undefined;
  }
}
