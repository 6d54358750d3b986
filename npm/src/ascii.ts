/**
 * Short strings of ASCII, from bytes.
 *
 * One call with a code per argument takes a third of the time that a loop or a decoder does, so every length has a
 * line of its own.
 */

/** The longest that is read so. */
export const ASCII_MAX = 16;

const of = String.fromCharCode;

/** The string in `length` bytes from `i` on; `undefined` if it is longer than `ASCII_MAX`, or not all ASCII. */
export function ascii(h: Uint8Array, i: number, length: number): string | undefined {
  let seen = 0;
  for (let at = i; at < i + length; at++) seen |= h[at]!;
  if (seen >= 0x80) return undefined;
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
