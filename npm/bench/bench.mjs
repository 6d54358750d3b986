/**
 * The synchronous engine beside a Map, ioredis-mock and ioredis over loopback: nanoseconds per call.
 *
 * `node bench/bench.mjs`: rounds are interleaved, so that a busy machine is busy for all; the median of each
 * is shown, or with `--least` the least, which other work on the machine changes little. The server is
 * `redis-server`, or the program in REDIS_SERVER; without one that column is left out.
 */

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { Engine } from 'redstart';

const ROUNDS = Number(process.env.ROUNDS ?? 15);
const VALUE = '0123456789abcdef';
const KEYS = Array.from({ length: 1000 }, (_, i) => `key:${i}`);

function median(list) {
  return list.toSorted((a, b) => a - b)[list.length >> 1];
}

const shown = process.argv.includes('--least') ? (list) => Math.min(...list) : median;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function loopback() {
  const port = await freePort();
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  const failed = new Promise((resolve) => child.once('error', () => resolve(undefined)));
  const { default: Redis } = await import('ioredis');
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: (n) => (n < 50 ? 50 : null), lazyConnect: true });
  client.on('error', () => {});
  const up = await Promise.race([client.connect().then(() => true, () => undefined), failed]);
  return {
    client: up && client,
    stop: () => {
      client.disconnect();
      child.kill();
    },
  };
}

// Opening comes first, while nothing is warm: as a user has it.
const opening = performance.now();
const engine = await Engine.open();
engine.ping();
const cold = performance.now() - opening;
const opens = [];
for (let i = 0; i < 20; i++) {
  const start = performance.now();
  const other = await Engine.open();
  other.ping();
  opens.push(performance.now() - start);
  other.free();
}
console.log(`open and one command: ${cold.toFixed(1)} ms the first time, ${shown(opens).toFixed(2)} ms then`);

const { default: Mock } = await import('ioredis-mock');
const mock = new Mock();
const map = new Map();
const redis = await loopback();

const cases = {
  'get, 16-byte value': {
    Map: (n) => { for (let i = 0; i < n; i++) map.get(KEYS[i % 1000]); },
    redstart: (n) => { for (let i = 0; i < n; i++) engine.get(KEYS[i % 1000]); },
    'ioredis-mock': async (n) => { for (let i = 0; i < n; i++) await mock.get(KEYS[i % 1000]); },
    'ioredis, loopback': async (n) => { for (let i = 0; i < n; i++) await redis.client.get(KEYS[i % 1000]); },
  },
  'set, 16-byte value': {
    Map: (n) => { for (let i = 0; i < n; i++) map.set(KEYS[i % 1000], VALUE); },
    redstart: (n) => { for (let i = 0; i < n; i++) engine.set(KEYS[i % 1000], VALUE); },
    'ioredis-mock': async (n) => { for (let i = 0; i < n; i++) await mock.set(KEYS[i % 1000], VALUE); },
    'ioredis, loopback': async (n) => { for (let i = 0; i < n; i++) await redis.client.set(KEYS[i % 1000], VALUE); },
  },
  incr: {
    redstart: (n) => { for (let i = 0; i < n; i++) engine.incr('counter'); },
    'ioredis-mock': async (n) => { for (let i = 0; i < n; i++) await mock.incr('counter'); },
    'ioredis, loopback': async (n) => { for (let i = 0; i < n; i++) await redis.client.incr('counter'); },
  },
  'zadd, 1000 members': {
    redstart: (n) => { for (let i = 0; i < n; i++) engine.zadd('board', i, KEYS[i % 1000]); },
    'ioredis-mock': async (n) => { for (let i = 0; i < n; i++) await mock.zadd('board', i, KEYS[i % 1000]); },
    'ioredis, loopback': async (n) => { for (let i = 0; i < n; i++) await redis.client.zadd('board', i, KEYS[i % 1000]); },
  },
  'get as bytes': {
    redstart: (n) => { for (let i = 0; i < n; i++) engine.bytes.get(KEYS[i % 1000]); },
    'ioredis-mock': async (n) => { for (let i = 0; i < n; i++) await mock.getBuffer(KEYS[i % 1000]); },
    'ioredis, loopback': async (n) => { for (let i = 0; i < n; i++) await redis.client.getBuffer(KEYS[i % 1000]); },
  },
};
const COUNTS = { Map: 100_000, redstart: 20_000, 'ioredis-mock': 1_000, 'ioredis, loopback': 500 };

for (const key of KEYS) {
  map.set(key, VALUE);
  engine.set(key, VALUE);
  await mock.set(key, VALUE);
  if (redis.client) await redis.client.set(key, VALUE);
}
// What V8 compiles in the background is to be there before anything is timed.
for (let round = 0; round < 3; round++) {
  for (const runs of Object.values(cases)) {
    runs.redstart(20_000);
    await runs['ioredis-mock'](500);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
}
engine.del('counter', 'board');
const table = {};
for (const [name, runs] of Object.entries(cases)) {
  const times = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [who, run] of Object.entries(runs)) {
      if (who.startsWith('ioredis,') && !redis.client) continue;
      const n = COUNTS[who];
      const start = performance.now();
      await run(n);
      (times[who] ??= []).push(((performance.now() - start) / n) * 1e6);
    }
  }
  table[name] = Object.fromEntries(Object.entries(times).map(([who, list]) => [who, `${Math.round(shown(list)).toLocaleString('en')} ns`]));
}
console.table(table);
mock.disconnect();
redis.stop();
engine.free();
process.exit(0);
