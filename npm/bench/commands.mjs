/**
 * Every command that ioredis-mock has too, side by side in one run: nanoseconds per call, medians.
 *
 * `node bench/commands.mjs [--behind] [command...]`: with `--behind` only the rows where the mock takes less time;
 * with names only those commands. Both get the same calls on the same keys. The engine's are synchronous, the mock's
 * are awaited, as those who use it do. Both are warm: their compilers are done. Rounds are interleaved, so that a busy
 * machine is busy for both. INFO is not counted: the mock has no such command, but the text of one reply in a file.
 */

import { Engine } from 'redstart';
import Mock from 'ioredis-mock';

const ROUNDS = Number(process.env.ROUNDS ?? 31);
/** Few, so that what else the machine does falls between most turns. */
const CALLS = Number(process.env.CALLS ?? 100);
/** So many calls of each before any is timed. */
const WARM = Number(process.env.WARM ?? 20_000);

const VALUE = '0123456789abcdef';
const KEYS = Array.from({ length: 1000 }, (_, i) => `key:${i}`);
const FIELDS = Array.from({ length: 100 }, (_, i) => `field:${i}`);
const NUMBERS = Array.from({ length: 1000 }, (_, i) => String(i));
const SCRIPT = "return redis.call('get', KEYS[1])";

/** What is there before each round: `KEYS` with a value each, and one of each type with a hundred members. */
const fill = (n) => [
  ['flushall'],
  ...KEYS.map((key) => ['set', key, VALUE]),
  ['set', 'number', '10'],
  ['hset', 'hash', ...FIELDS.flatMap((field) => [field, VALUE])],
  ['hset', 'numbers', 'int', '1', 'float', '1.5'],
  ['rpush', 'list', ...FIELDS],
  ['sadd', 'set', ...FIELDS],
  ['sadd', 'other', ...FIELDS.slice(50)],
  ['zadd', 'board', ...FIELDS.flatMap((field, i) => [NUMBERS[i], field])],
  ['zadd', 'letters', ...FIELDS.flatMap((field) => ['0', field])],
  ...(n ? [] : FIELDS.map(() => ['xadd', 'stream', '*', 'field', VALUE])),
];
/** So many members more, for what takes one away with each call. */
const many = (n) => Array.from({ length: n }, (_, i) => `m:${i}`);

const key = (i) => KEYS[i % 1000];
const field = (i) => FIELDS[i % 100];
const number = (i) => NUMBERS[i % 1000];

/**
 * By name: the arguments of the call number `i`; what is to be there for each `n` calls; and whether everything is,
 * since they take it away.
 */
const CASES = {
  append: { refill: true, args: (i) => [key(i), 'x'] },
  bitcount: { args: (i) => [key(i)] },
  brpoplpush: { args: () => ['list', 'list', '1'] },
  dbsize: { args: () => [] },
  decr: { args: () => ['number'] },
  decrby: { args: () => ['number', '2'] },
  del: { refill: true, args: (i) => [key(i)] },
  echo: { args: () => [VALUE] },
  eval: { args: (i) => [SCRIPT, '1', key(i)] },
  exists: { args: (i) => [key(i)] },
  expire: { args: (i) => [key(i), '100'] },
  expireat: { args: (i) => [key(i), '4000000000'] },
  expiretime: { args: (i) => [key(i)] },
  flushall: { args: () => [] },
  flushdb: { args: () => [] },
  get: { args: (i) => [key(i)] },
  getbit: { args: (i) => [key(i), '5'] },
  getdel: { refill: true, args: (i) => [key(i)] },
  getex: { args: (i) => [key(i), 'EX', '100'] },
  getrange: { args: (i) => [key(i), '2', '8'] },
  getset: { args: (i) => [key(i), VALUE] },
  hdel: { refill: true, args: (i) => ['hash', field(i)] },
  hexists: { args: (i) => ['hash', field(i)] },
  hget: { args: (i) => ['hash', field(i)] },
  hgetall: { args: () => ['hash'] },
  hincrby: { args: () => ['numbers', 'int', '3'] },
  hincrbyfloat: { args: () => ['numbers', 'float', '1.5'] },
  hkeys: { args: () => ['hash'] },
  hlen: { args: () => ['hash'] },
  hmget: { args: (i) => ['hash', field(i), field(i + 1), field(i + 2)] },
  hmset: { args: (i) => ['hash', field(i), VALUE, field(i + 1), VALUE] },
  hrandfield: { args: () => ['hash'] },
  hscan: { args: () => ['hash', '0'] },
  hset: { args: (i) => ['hash', field(i), VALUE] },
  hsetnx: { refill: true, args: (i) => ['hash', field(i), VALUE] },
  hstrlen: { args: (i) => ['hash', field(i)] },
  hvals: { args: () => ['hash'] },
  incr: { args: () => ['number'] },
  incrby: { args: () => ['number', '2'] },
  incrbyfloat: { args: () => ['number', '0.5'] },
  info: { args: () => [] },
  keys: { args: () => ['key:1*'], slow: true },
  lastsave: { args: () => [] },
  lindex: { args: () => ['list', '50'] },
  linsert: { refill: true, args: () => ['list', 'BEFORE', 'field:50', 'x'] },
  llen: { args: () => ['list'] },
  lmove: { args: () => ['list', 'list', 'LEFT', 'RIGHT'] },
  lpop: { before: (n) => [['rpush', 'list', ...many(n)]], args: () => ['list'] },
  lpos: { args: () => ['list', 'field:50'] },
  lpush: { before: () => [['del', 'fresh']], args: () => ['fresh', 'x'] },
  lpushx: { before: () => [['ltrim', 'list', '0', '99']], args: () => ['list', 'x'] },
  lrange: { args: () => ['list', '0', '9'] },
  lrem: { args: () => ['list', '1', 'none'] },
  lset: { args: () => ['list', '50', 'x'] },
  ltrim: { refill: true, args: () => ['list', '0', '49'] },
  mget: { args: (i) => [key(i), key(i + 1), key(i + 2)] },
  mset: { args: (i) => [key(i), VALUE, key(i + 1), VALUE] },
  msetnx: { args: (i) => [key(i), VALUE, key(i + 1), VALUE] },
  object: { args: (i) => ['ENCODING', key(i)] },
  persist: { args: (i) => [key(i)] },
  pexpire: { args: (i) => [key(i), '100000'] },
  pexpireat: { args: (i) => [key(i), '4000000000000'] },
  pexpiretime: { args: (i) => [key(i)] },
  ping: { args: () => [] },
  psetex: { args: (i) => [key(i), '100000', VALUE] },
  pttl: { args: (i) => [key(i)] },
  publish: { args: () => ['channel', VALUE] },
  randomkey: { args: () => [] },
  rename: { before: () => [['set', 'a', '1']], args: () => ['a', 'a'] },
  renamenx: { before: () => [['set', 'a', '1'], ['set', 'b', '1']], args: () => ['a', 'b'] },
  role: { args: () => [] },
  rpop: { before: (n) => [['rpush', 'list', ...many(n)]], args: () => ['list'] },
  rpoplpush: { args: () => ['list', 'list'] },
  rpush: { before: () => [['del', 'fresh']], args: () => ['fresh', 'x'] },
  rpushx: { before: () => [['ltrim', 'list', '0', '99']], args: () => ['list', 'x'] },
  sadd: { before: () => [['del', 'fresh']], args: (i) => ['fresh', field(i)] },
  scan: { args: () => ['0'] },
  scard: { args: () => ['set'] },
  sdiff: { args: () => ['set', 'other'] },
  sdiffstore: { args: () => ['into', 'set', 'other'] },
  setbit: { args: (i) => ['bits', number(i), '1'] },
  set: { args: (i) => [key(i), VALUE] },
  setex: { args: (i) => [key(i), '100', VALUE] },
  setnx: { args: (i) => [key(i), VALUE] },
  setrange: { args: (i) => [key(i), '2', 'xx'] },
  sinter: { args: () => ['set', 'other'] },
  sinterstore: { args: () => ['into', 'set', 'other'] },
  sismember: { args: (i) => ['set', field(i)] },
  smembers: { args: () => ['set'] },
  smismember: { args: (i) => ['set', field(i), 'none'] },
  smove: { refill: true, args: (i) => ['set', 'other', field(i)] },
  spop: { refill: true, before: (n) => [['sadd', 'set', ...many(n)]], args: () => ['set'] },
  srandmember: { args: () => ['set'] },
  srem: { refill: true, args: (i) => ['set', field(i)] },
  sscan: { args: () => ['set', '0'] },
  strlen: { args: (i) => [key(i)] },
  substr: { args: (i) => [key(i), '2', '8'] },
  sunion: { args: () => ['set', 'other'] },
  sunionstore: { args: () => ['into', 'set', 'other'] },
  time: { args: () => [] },
  ttl: { args: (i) => [key(i)] },
  type: { args: (i) => [key(i)] },
  unlink: { refill: true, args: (i) => [key(i)] },
  unwatch: { args: () => [] },
  watch: { args: (i) => [key(i)] },
  xadd: { args: () => ['events', '*', 'field', VALUE] },
  xlen: { stream: true, args: () => ['stream'] },
  xrange: { stream: true, args: () => ['stream', '-', '+', 'COUNT', '10'] },
  xread: { stream: true, args: () => ['COUNT', '10', 'STREAMS', 'stream', '0'] },
  xrevrange: { stream: true, args: () => ['stream', '+', '-', 'COUNT', '10'] },
  zadd: { args: (i) => ['board', number(i), field(i)] },
  zcard: { args: () => ['board'] },
  zcount: { args: () => ['board', '10', '50'] },
  zdiff: { refill: true, before: () => [['zadd', 'few', '1', 'field:3']], args: () => ['2', 'board', 'few'] },
  zincrby: { args: (i) => ['board', '1', field(i)] },
  zinterstore: { args: () => ['into', '2', 'board', 'letters'] },
  zmscore: { args: (i) => ['board', field(i), 'none'] },
  zpopmax: { before: (n) => [['zadd', 'board', ...many(n).flatMap((m, i) => [NUMBERS[i % 1000], m])]], args: () => ['board'] },
  zpopmin: { before: (n) => [['zadd', 'board', ...many(n).flatMap((m, i) => [NUMBERS[i % 1000], m])]], args: () => ['board'] },
  zrange: { args: () => ['board', '0', '9'] },
  zrangebylex: { args: () => ['letters', '[field:1', '[field:2'] },
  zrangebyscore: { args: () => ['board', '10', '20'] },
  zrank: { args: (i) => ['board', field(i)] },
  zrem: { refill: true, args: (i) => ['board', field(i)] },
  zremrangebyrank: { refill: true, args: () => ['board', '0', '0'] },
  zremrangebyscore: { refill: true, args: () => ['board', '5', '6'] },
  zrevrange: { args: () => ['board', '0', '9'] },
  zrevrangebylex: { args: () => ['letters', '[field:2', '[field:1'] },
  zrevrangebyscore: { args: () => ['board', '20', '10'] },
  zrevrank: { args: (i) => ['board', field(i)] },
  zscan: { args: () => ['board', '0'] },
  zscore: { args: (i) => ['board', field(i)] },
};

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const behindOnly = process.argv.includes('--behind');
const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));

const engine = await Engine.open();
const mock = new Mock();

async function prepare({ before, stream, refill }, n, all = true) {
  for (const [name, ...args] of [...(all || refill ? fill(!stream) : []), ...(before?.(n) ?? [])]) {
    engine[name](...args);
    await mock[name](...args);
  }
}

/** A turn of each; `calls` are the arguments, made before anything is timed. */
const turns = (name) => ({
  engine: (calls) => {
    for (let i = 0; i < calls.length; i++) engine[name](...calls[i]);
  },
  mock: async (calls) => {
    for (let i = 0; i < calls.length; i++) await mock[name](...calls[i]);
  },
});

const rows = {};
const refused = [];
for (const [name, one] of Object.entries(CASES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await prepare(one, 1);
  let known = true;
  try {
    await mock[name](...one.args(0));
  } catch {
    known = false;
  }
  if (!known) {
    refused.push(name);
    continue;
  }
  const n = one.slow ? 20 : CALLS;
  const calls = (n) => Array.from({ length: n }, (_, i) => one.args(i));
  const { engine: ours, mock: theirs } = turns(name);
  await prepare(one, WARM);
  ours(calls(one.slow ? 100 : WARM));
  await prepare(one, CALLS);
  await theirs(calls(one.slow ? n : WARM));
  const times = { ours: [], theirs: [] };
  for (let round = 0; round < ROUNDS; round++) {
    await prepare(one, n, round === 0);
    const list = calls(n);
    const start = performance.now();
    ours(list);
    const middle = performance.now();
    await theirs(list);
    times.theirs.push(((performance.now() - middle) / n) * 1e6);
    times.ours.push(((middle - start) / n) * 1e6);
  }
  const [a, b] = [median(times.ours), median(times.theirs)];
  if (behindOnly && a <= b) continue;
  rows[name] = { 'redstart ns': Math.round(a), 'ioredis-mock ns': Math.round(b), 'times as fast': Number((b / a).toFixed(2)) };
}
console.table(rows);
const ratios = Object.entries(rows).flatMap(([name, row]) => (name === 'info' ? [] : [row['times as fast']]));
if (ratios.length > 0) console.log(`${ratios.length} commands, ${ratios.filter((r) => r < 1).length} behind, median ${median(ratios)} times as fast`);
if (refused.length > 0) console.log(`refused by ioredis-mock: ${refused.join(', ')}`);
mock.disconnect();
engine.free();
process.exit(0);
