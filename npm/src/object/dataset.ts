/**
 * The whole data set as commands, a piece at a time: `FUNCTION RESTORE` for the functions, and for each key
 * `RESTORE key … REPLACE ABSTTL`. Redis's append-only file may begin like that, so the journal goes on behind it.
 *
 * An RDB file would say the same, but it is made whole, beside the engine, in an isolate of 128 MB.
 */

import type { Engine, Reply } from '../index.js';
import { type Arg, Head, Writer } from '../request.js';
import { Buffer, latin1, replies } from './wire.js';

const DUMP = new Head('dump');
const EXPIRY = new Head('pexpiretime');
const SCAN = new Head('scan');
const RESTORE = new Head('restore');
const FUNCTION_RESTORE = new Head('function|restore');

/** Keys that are asked for at once: so many values are in memory twice. */
const KEYS_AT_ONCE = 64;
const PIECE_BYTES = 1 << 20;
/** What FUNCTION DUMP says of no functions: a version and a checksum. */
const NO_FUNCTIONS_BYTES = 10;

const decoder = new TextDecoder();

/** All there is, in pieces of about 1 MiB. Nothing may change between two of them. */
export function* dataSet(engine: Engine): Generator<Uint8Array> {
  const out = new Buffer();
  const writer = new Writer(out);
  const ask = asker(engine);
  const functions = engine.bytes.call('FUNCTION', 'DUMP') as Uint8Array;
  writer.begin(PIECE_BYTES);
  if (functions.length > NO_FUNCTIONS_BYTES) writer.request(FUNCTION_RESTORE.bytes(1), [functions]);
  for (const keys of allKeys(ask)) {
    const questions: [Head, Arg[]][] = [];
    for (const key of keys) questions.push([DUMP, [key]], [EXPIRY, [key]]);
    const answers = ask(questions);
    for (let i = 0; i < keys.length; i++) {
      const value = answers[2 * i];
      const expiry = answers[2 * i + 1] as number;
      if (!(value instanceof Uint8Array) || expiry === -2) continue;
      writer.request(RESTORE.bytes(5), [keys[i]!, Math.max(expiry, 0), value, 'REPLACE', 'ABSTTL']);
    }
    if (writer.length < PIECE_BYTES) continue;
    yield out.heap.slice(0, writer.length);
    out.shrink(4 * PIECE_BYTES);
    writer.begin(PIECE_BYTES);
  }
  if (writer.length > 0) yield out.heap.slice(0, writer.length);
}

/** When each key expires that does, in milliseconds since 1970. */
export function* expiries(engine: Engine): Generator<number> {
  const ask = asker(engine);
  for (const keys of allKeys(ask)) {
    for (const at of ask(keys.map((key) => [EXPIRY, [key]]))) if ((at as number) > 0) yield at as number;
  }
}

/** Where a journal speaks of an expiry, in milliseconds since 1970. */
export function* expiriesIn(journal: Uint8Array): Generator<number> {
  const text = decoder.decode(journal);
  if (!/PXAT|PEXPIREAT|ABSTTL/i.test(text)) return;
  for (const [, at] of text.matchAll(/\$13\r\n(\d{13})\r\n/g)) yield Number(at);
}

type Ask = (commands: readonly (readonly [Head, readonly Arg[]])[]) => Reply[];

/** Commands on the direct connection, with bytes in their replies. */
function asker(engine: Engine): Ask {
  const buffer = new Buffer();
  const writer = new Writer(buffer);
  return (commands) => {
    writer.begin(4096);
    for (const [head, args] of commands) writer.request(head.bytes(args.length), args);
    return replies(engine.exchange(buffer.heap.subarray(0, writer.length)), true);
  };
}

function* allKeys(ask: Ask): Generator<Uint8Array[]> {
  let cursor = '0';
  do {
    const [next, keys] = ask([[SCAN, [cursor, 'COUNT', KEYS_AT_ONCE]]])[0] as unknown as [Uint8Array, Uint8Array[]];
    yield keys;
    cursor = latin1(next);
  } while (cursor !== '0');
}
