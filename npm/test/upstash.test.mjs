/**
 * Each method of `@upstash/redis`'s client, with the arguments and results that the client has, on an engine
 * in this process and behind the fetch handler: the cases are in `upstash/`, a file for each kind of method. A method
 * without a case fails the last test.
 *
 * `REDSTART_UPSTASH_PEER=6379` runs the same against a Redis server on that port of this machine, which
 * says whether the cases themselves are right.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ratelimit } from '@upstash/ratelimit';
import { Redis } from '@upstash/redis';
import { Engine, Store } from 'redstart';
import { dial } from 'redstart/socket';
import { requester, toFetchHandler } from 'redstart/upstash';
import hashes from './upstash/hashes.mjs';
import keys from './upstash/keys.mjs';
import { eq, sorted, TOKEN, until } from './upstash/kit.mjs';
import lists from './upstash/lists.mjs';
import server from './upstash/server.mjs';
import sortedSets from './upstash/sorted-sets.mjs';
import streams from './upstash/streams.mjs';
import strings from './upstash/strings.mjs';
import together from './upstash/together.mjs';

/** What cannot apply, and why. */
const ELSEWHERE = {
  ...Object.fromEntries(['count', 'del', 'delrange', 'get', 'getrange', 'grep', 'info', 'insert', 'lastitems', 'len', 'mget', 'mset', 'next', 'op', 'ring', 'scan', 'seek', 'set'].map((name) => [`ar${name}`, 'arrays are a type of Upstash, not of Redis 7'])),
  json: 'JSON is a module, which Redis 7 has not',
  search: 'search is a service of Upstash',
  vector: 'vectors are a service of Upstash',
};
/** What is no command. */
const CLIENT_ONLY = ['constructor', 'client', 'opts', 'enableTelemetry', 'enableAutoPipelining', 'addTelemetry'];

const cases = { ...strings, ...keys, ...hashes, ...lists, ...sortedSets, ...streams, ...server, ...together };

const peer = process.env.REDSTART_UPSTASH_PEER;
/** Where the cases are run: `fresh` makes another client of the same data. */
const places = {
  'the requester': async () => {
    const engine = await Engine.open();
    return { fresh: () => new Redis(requester(engine)) };
  },
  'the fetch handler': async (t) => {
    serve(t, await Engine.open());
    return { fresh: () => overHttp() };
  },
  'the fetch handler of a store': async (t) => {
    const store = await Store.open(peer ? { host: dial({ port: Number(peer) }) } : {});
    t.after(() => store.close());
    serve(t, store);
    return { fresh: () => overHttp() };
  },
};

/** BITFIELD is a chain of calls, which the client cannot gather by itself. */
function overHttp() {
  return new Redis({ url: 'https://engine.example', token: TOKEN, retry: false, enableAutoPipelining: false });
}

function serve(t, place) {
  const handler = toFetchHandler(place, { token: TOKEN });
  t.mock.method(globalThis, 'fetch', (url, init) => handler(new Request(url, init)));
}

for (const [name, open] of Object.entries(places)) {
  if (peer && name !== 'the fetch handler of a store') continue;
  test(`@upstash/redis on ${name}`, async (t) => {
    const place = await open(t);
    const redis = place.fresh();
    for (const [method, run] of Object.entries(cases)) {
      await t.test(method, async () => {
        await redis.flushall();
        await run(redis, place);
      });
    }
  });
}

test('errors are those of the client', async (t) => {
  const engine = await Engine.open();
  const inProcess = new Redis(requester(engine));
  serve(t, engine);
  for (const redis of [inProcess, overHttp()]) {
    await redis.set('k', 'text');
    await assert.rejects(redis.lpush('k', 1), { name: 'UpstashError', message: 'WRONGTYPE Operation against a key holding the wrong kind of value, command was: ["lpush","k",1]' });
    await assert.rejects(redis.exec(['NOSUCH', 'a']), { name: 'UpstashError', message: /^ERR unknown command 'NOSUCH', with args beginning with: 'a' ?, command was: \["NOSUCH","a"\]$/ });
    await assert.rejects(redis.exec(['MULTI']), { name: 'UpstashError', message: `ERR Command is not available: 'multi', command was: ["MULTI"]` });
    await assert.rejects(redis.json.get('k'), { name: 'UpstashError', message: /^ERR unknown command 'JSON.GET'/ });
  }
  const stranger = new Redis({ url: 'https://engine.example', token: 'wrong' });
  await assert.rejects(stranger.get('k'), { name: 'UpstashError', message: /WRONGPASS invalid or missing auth token/ });
});

test('the options of the client', async (t) => {
  serve(t, await Engine.open());
  const options = { url: 'https://engine.example', token: TOKEN };
  const plain = new Redis({ ...options, responseEncoding: false });
  await plain.set('k', { a: 'grüße' });
  eq(await plain.get('k'), { a: 'grüße' });
  eq(await plain.eval('return {redis.call("set", "x", 1), 2, "three"}', [], []), ['OK', 2, 'three']);
  const raw = new Redis({ ...options, automaticDeserialization: false });
  eq(await raw.get('k'), '{"a":"grüße"}');
  const unsynced = new Redis({ ...options, readYourWrites: false });
  await unsynced.set('k', 1);
  eq(unsynced.readYourWritesSyncToken, '');
  const signal = AbortSignal.abort();
  eq(await new Redis({ ...options, signal }).get('k').catch((error) => error.name), 1);
});

test('a request that waits holds up no other, and ends with its signal', async (t) => {
  const engine = await Engine.open();
  const redis = new Redis(requester(engine));
  const popped = redis.exec(['BLPOP', 'queue', 0]);
  eq(await redis.rpush('queue', { job: 1 }), 1);
  eq(await popped, ['queue', { job: 1 }]);
  const handler = toFetchHandler(engine, { token: TOKEN });
  const controller = new AbortController();
  const ask = (body, more) => handler(new Request('https://engine.example/', { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${TOKEN}` }, ...more }));
  const waiting = ask(['BLPOP', 'queue', 0], { signal: controller.signal });
  await until(() => /blocked_clients:1/.test(engine.info('clients')));
  controller.abort();
  eq((await waiting).status, 400);
  await until(() => /blocked_clients:0/.test(engine.info('clients')));
  const refusing = toFetchHandler(engine, { token: TOKEN, blocking: false });
  const refused = await refusing(new Request('https://engine.example/blpop/queue/0', { headers: { authorization: `Bearer ${TOKEN}` } }));
  eq([refused.status, await refused.json()], [400, { error: "ERR Command is not available: 'blpop'" }]);
});

test('@upstash/ratelimit over HTTP', async (t) => {
  serve(t, await Engine.open());
  const redis = new Redis({ url: 'https://engine.example', token: TOKEN });
  for (const [name, limiter] of Object.entries({
    fixed: Ratelimit.fixedWindow(2, '600 s'),
    sliding: Ratelimit.slidingWindow(2, '600 s'),
    bucket: Ratelimit.tokenBucket(1, '600 s', 2),
  })) {
    const ratelimit = new Ratelimit({ redis, limiter, prefix: name, ephemeralCache: false, analytics: true });
    const found = [];
    for (let i = 0; i < 3; i++) {
      const { success, pending } = await ratelimit.limit('user');
      await pending;
      found.push(success);
    }
    eq(found, [true, true, false], name);
    eq((await ratelimit.getRemaining('user')).remaining, 0, name);
    await ratelimit.resetUsedTokens('user');
    eq((await ratelimit.limit('user')).success, true, name);
  }
});

test('there is a case for every method', () => {
  const methods = new Set();
  const redis = new Redis(requester(Engine.openSync()));
  for (let object = redis; object !== Object.prototype; object = Object.getPrototypeOf(object)) {
    for (const name of Object.getOwnPropertyNames(object)) methods.add(name);
  }
  eq([...methods].filter((name) => !cases[name] && !ELSEWHERE[name] && !CLIENT_ONLY.includes(name)), []);
  eq(Object.keys(cases).filter((name) => !methods.has(name)), []);
  eq(sorted(Object.keys(redis.functions)), ['call', 'callRo', 'delete', 'flush', 'list', 'load', 'stats']);
  // A pipeline has the same commands.
  const pipeline = redis.pipeline();
  const queued = Object.keys(pipeline).filter((name) => typeof pipeline[name] === 'function');
  eq(queued.filter((name) => !methods.has(name)), []);
});
