/**
 * Ordinary code as people write it for node-redis and for ioredis, on an engine in this process: sessions, caches,
 * limits, boards, chats, queues, locks. It knows nothing of what it runs on.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Redis from 'ioredis';
import Redis6 from 'ioredis6';
import { createClient } from 'redis';
import { Engine } from 'redstart';
import { connector } from 'redstart/ioredis';
import { listen } from 'redstart/socket';

const event = (emitter, name) => new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));
const RELEASE = 'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end';

const nodeRedis = {
  async 'a session'(client) {
    const id = randomUUID();
    await client.hSet(`session:${id}`, { user: 'ada', role: 'admin', visits: 0 });
    await client.expire(`session:${id}`, 1800);
    await client.hIncrBy(`session:${id}`, 'visits', 1);
    assert.deepEqual({ ...(await client.hGetAll(`session:${id}`)) }, { user: 'ada', role: 'admin', visits: '1' });
    assert.ok((await client.ttl(`session:${id}`)) > 1790);
    assert.equal(await client.del(`session:${id}`), 1);
  },

  async 'a cache in front of something slow'(client) {
    let asked = 0;
    const load = async (id) => ({ id, name: `product ${id}`, asked: ++asked });
    const product = async (id) => {
      const cached = await client.get(`product:${id}`);
      if (cached) return JSON.parse(cached);
      const fresh = await load(id);
      await client.set(`product:${id}`, JSON.stringify(fresh), { EX: 60 });
      return fresh;
    };
    assert.deepEqual(await product(1), await product(1));
    assert.equal(asked, 1);
    await client.del('product:1');
    assert.equal((await product(1)).asked, 2);
  },

  async 'a limit of requests'(client) {
    const allowed = async (ip) => {
      const [count] = await client.multi().incr(`rate:${ip}`).expire(`rate:${ip}`, 60, 'NX').exec();
      return count <= 3;
    };
    const found = [];
    for (let i = 0; i < 5; i++) found.push(await allowed('203.0.113.7'));
    assert.deepEqual(found, [true, true, true, false, false]);
    assert.ok((await client.ttl('rate:203.0.113.7')) > 50);
  },

  async 'a leaderboard'(client) {
    await client.zAdd('board', [{ score: 120, value: 'ada' }, { score: 95, value: 'lin' }, { score: 150, value: 'grace' }]);
    assert.equal(await client.zIncrBy('board', 40, 'ada'), 160);
    assert.deepEqual(await client.zRangeWithScores('board', 0, 1, { REV: true }), [{ value: 'ada', score: 160 }, { value: 'grace', score: 150 }]);
    assert.equal(await client.zRevRank('board', 'lin'), 2);
    assert.equal(await client.zScore('board', 'nobody'), null);
    assert.deepEqual(await client.zRange('board', 100, '+inf', { BY: 'SCORE' }), ['grace', 'ada']);
  },

  async 'a chat'(client, { duplicate }) {
    const subscriber = await duplicate();
    const heard = [];
    let done;
    const all = new Promise((resolve) => (done = resolve));
    const hear = (message, channel) => heard.push([channel, JSON.parse(message).text]) === 3 && done();
    await subscriber.subscribe('room:1', hear);
    await subscriber.pSubscribe('room:*', hear);
    await client.publish('room:1', JSON.stringify({ from: 'ada', text: 'hello' }));
    await client.publish('room:2', JSON.stringify({ from: 'lin', text: 'hi' }));
    await all;
    assert.deepEqual(heard, [['room:1', 'hello'], ['room:1', 'hello'], ['room:2', 'hi']]);
    await subscriber.unsubscribe('room:1');
    assert.equal(await client.publish('room:1', '{"text":""}'), 1);
  },

  async 'a queue and its worker'(client, { duplicate }) {
    const worker = await duplicate();
    const next = worker.brPop('jobs', 5);
    await client.lPush('jobs', [JSON.stringify({ id: 1 }), JSON.stringify({ id: 2 })]);
    assert.deepEqual(await next, { key: 'jobs', element: '{"id":1}' });
    assert.equal(await worker.lMove('jobs', 'jobs:active', 'RIGHT', 'LEFT'), '{"id":2}');
    assert.equal(await client.lRem('jobs:active', 1, '{"id":2}'), 1);
    assert.equal(await worker.brPop('jobs', 0.01), null);
  },

  async 'a lock'(client) {
    const token = randomUUID();
    assert.equal(await client.set('lock:job', token, { condition: 'NX', expiration: { type: 'PX', value: 10_000 } }), 'OK');
    assert.equal(await client.set('lock:job', 'another', { NX: true, PX: 10_000 }), null);
    assert.equal(await client.eval(RELEASE, { keys: ['lock:job'], arguments: ['another'] }), 0);
    assert.equal(await client.eval(RELEASE, { keys: ['lock:job'], arguments: [token] }), 1);
  },

  async 'who was there each day'(client) {
    for (const user of [1, 5, 900]) await client.setBit('active:monday', user, 1);
    for (const user of [5, 7]) await client.setBit('active:tuesday', user, 1);
    assert.equal(await client.bitCount('active:monday'), 3);
    await client.bitOp('AND', 'active:both', ['active:monday', 'active:tuesday']);
    assert.equal(await client.bitCount('active:both'), 1);
    assert.equal(await client.getBit('active:both', 5), 1);
  },

  async 'how many visitors'(client) {
    for (let i = 0; i < 1000; i++) await client.pfAdd('visitors:1', `user ${i % 500}`);
    await client.pfAdd('visitors:2', ['user 1', 'somebody else']);
    assert.ok(Math.abs((await client.pfCount('visitors:1')) - 500) < 15);
    await client.pfMerge('visitors', ['visitors:1', 'visitors:2']);
    assert.ok((await client.pfCount('visitors')) >= (await client.pfCount('visitors:1')));
  },

  async 'shops nearby'(client) {
    await client.geoAdd('shops', [
      { longitude: 2.3522, latitude: 48.8566, member: 'paris' },
      { longitude: 4.8357, latitude: 45.764, member: 'lyon' },
      { longitude: 5.3698, latitude: 43.2965, member: 'marseille' },
    ]);
    const near = await client.geoSearchWith('shops', { longitude: 4.9, latitude: 45.7 }, { radius: 300, unit: 'km' }, ['WITHDIST'], { SORT: 'ASC' });
    assert.deepEqual(near.map(({ member }) => member), ['lyon', 'marseille']);
    assert.equal(Math.round(await client.geoDist('shops', 'paris', 'lyon', 'km')), 392);
    assert.equal(await client.geoSearchStore('near', 'shops', 'lyon', { radius: 300, unit: 'km' }), 2);
  },

  async 'orders in a stream, with a group of consumers'(client) {
    await client.xGroupCreate('orders', 'billing', '$', { MKSTREAM: true });
    const first = await client.xAdd('orders', '*', { item: 'apple', count: '2' });
    await client.xAdd('orders', '*', { item: 'pear', count: '1' });
    const [{ messages }] = await client.xReadGroup('billing', 'worker-1', { key: 'orders', id: '>' }, { COUNT: 10, BLOCK: 1000 });
    assert.deepEqual(messages.map(({ message }) => message.item), ['apple', 'pear']);
    assert.equal(await client.xAck('orders', 'billing', first), 1);
    assert.equal((await client.xPending('orders', 'billing')).pending, 1);
    const claimed = await client.xAutoClaim('orders', 'billing', 'worker-2', 0, '0');
    assert.deepEqual(claimed.messages.map(({ message }) => message.item), ['pear']);
  },

  async 'flags of features'(client) {
    await client.hSet('flags', { dark: 'on', beta: 'off' });
    assert.deepEqual(await client.hmGet('flags', ['dark', 'beta', 'none']), ['on', 'off', null]);
    await client.hSet('flags', 'beta', 'on');
    const found = {};
    for await (const entries of client.hScanIterator('flags')) for (const { field, value } of [entries].flat()) found[field] = value;
    assert.deepEqual(found, { dark: 'on', beta: 'on' });
  },

  async 'money from one account to another'(client) {
    await client.mSet({ 'account:a': '100', 'account:b': '5' });
    await client.watch(['account:a', 'account:b']);
    const balance = Number(await client.get('account:a'));
    assert.ok(balance >= 30);
    assert.deepEqual(await client.multi().decrBy('account:a', 30).incrBy('account:b', 30).exec(), [70, 35]);
    assert.deepEqual(await client.mGet(['account:a', 'account:b']), ['70', '35']);
  },

  async 'tags, and a walk over all keys'(client) {
    await client.sAdd('tag:red', ['apple', 'cherry']);
    await client.sAdd('tag:fruit', ['apple', 'pear']);
    assert.deepEqual(await client.sInter(['tag:red', 'tag:fruit']), ['apple']);
    const keys = [];
    for await (const found of client.scanIterator({ MATCH: 'tag:*', COUNT: 100 })) keys.push(...[found].flat());
    assert.deepEqual(keys.sort(), ['tag:fruit', 'tag:red']);
  },
};

const ioredis = {
  async 'a session'(redis) {
    const id = randomUUID();
    await redis.hset(`session:${id}`, { user: 'ada', role: 'admin', visits: 0 });
    await redis.expire(`session:${id}`, 1800);
    await redis.hincrby(`session:${id}`, 'visits', 1);
    assert.deepEqual({ ...(await redis.hgetall(`session:${id}`)) }, { user: 'ada', role: 'admin', visits: '1' });
    assert.ok((await redis.ttl(`session:${id}`)) > 1790);
    assert.equal(await redis.del(`session:${id}`), 1);
  },

  async 'a cache in front of something slow'(redis) {
    let asked = 0;
    const load = async (id) => ({ id, name: `product ${id}`, asked: ++asked });
    const product = async (id) => {
      const cached = await redis.get(`product:${id}`);
      if (cached) return JSON.parse(cached);
      const fresh = await load(id);
      await redis.set(`product:${id}`, JSON.stringify(fresh), 'EX', 60);
      return fresh;
    };
    assert.deepEqual(await product(1), await product(1));
    assert.equal(asked, 1);
    await redis.del('product:1');
    assert.equal((await product(1)).asked, 2);
  },

  async 'a limit of requests'(redis) {
    const allowed = async (ip) => {
      const count = await redis.incr(`rate:${ip}`);
      if (count === 1) await redis.expire(`rate:${ip}`, 60);
      return count <= 3;
    };
    const found = [];
    for (let i = 0; i < 5; i++) found.push(await allowed('203.0.113.7'));
    assert.deepEqual(found, [true, true, true, false, false]);
    assert.ok((await redis.ttl('rate:203.0.113.7')) > 50);
  },

  async 'a leaderboard'(redis) {
    await redis.zadd('board', 120, 'ada', 95, 'lin', 150, 'grace');
    assert.equal(Number(await redis.zincrby('board', 40, 'ada')), 160);
    assert.deepEqual((await redis.zrevrange('board', 0, 1, 'WITHSCORES')).map(String), ['ada', '160', 'grace', '150']);
    assert.equal(await redis.zrevrank('board', 'lin'), 2);
    assert.equal(await redis.zscore('board', 'nobody'), null);
    assert.deepEqual(await redis.zrangebyscore('board', 100, '+inf'), ['grace', 'ada']);
  },

  async 'a chat'(redis) {
    const subscriber = redis.duplicate();
    await subscriber.subscribe('room:1');
    await subscriber.psubscribe('room:*');
    const heard = [];
    const all = new Promise((resolve) => {
      const hear = (channel, message) => heard.push([channel, JSON.parse(message).text]) === 3 && resolve();
      subscriber.on('message', hear);
      subscriber.on('pmessage', (pattern, channel, message) => hear(channel, message));
    });
    await redis.publish('room:1', JSON.stringify({ from: 'ada', text: 'hello' }));
    await redis.publish('room:2', JSON.stringify({ from: 'lin', text: 'hi' }));
    await all;
    assert.deepEqual(heard, [['room:1', 'hello'], ['room:1', 'hello'], ['room:2', 'hi']]);
    await subscriber.unsubscribe('room:1');
    assert.equal(await redis.publish('room:1', '{"text":""}'), 1);
    subscriber.disconnect();
  },

  async 'a queue and its worker'(redis) {
    const worker = redis.duplicate();
    const next = worker.brpop('jobs', 5);
    await redis.lpush('jobs', JSON.stringify({ id: 1 }), JSON.stringify({ id: 2 }));
    assert.deepEqual(await next, ['jobs', '{"id":1}']);
    assert.equal(await worker.rpoplpush('jobs', 'jobs:active'), '{"id":2}');
    assert.equal(await redis.lrem('jobs:active', 1, '{"id":2}'), 1);
    assert.equal(await worker.brpop('jobs', 0.01), null);
    worker.disconnect();
  },

  async 'a lock'(redis) {
    const token = randomUUID();
    assert.equal(await redis.set('lock:job', token, 'PX', 10_000, 'NX'), 'OK');
    assert.equal(await redis.set('lock:job', 'another', 'PX', 10_000, 'NX'), null);
    redis.defineCommand('release', { numberOfKeys: 1, lua: RELEASE });
    assert.equal(await redis.release('lock:job', 'another'), 0);
    assert.equal(await redis.eval(RELEASE, 1, 'lock:job', token), 1);
  },

  async 'who was there each day'(redis) {
    const pipeline = redis.pipeline();
    for (const user of [1, 5, 900]) pipeline.setbit('active:monday', user, 1);
    for (const user of [5, 7]) pipeline.setbit('active:tuesday', user, 1);
    await pipeline.exec();
    assert.equal(await redis.bitcount('active:monday'), 3);
    await redis.bitop('AND', 'active:both', 'active:monday', 'active:tuesday');
    assert.equal(await redis.bitcount('active:both'), 1);
    assert.equal(await redis.getbit('active:both', 5), 1);
  },

  async 'how many visitors'(redis) {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1000; i++) pipeline.pfadd('visitors:1', `user ${i % 500}`);
    await pipeline.exec();
    await redis.pfadd('visitors:2', 'user 1', 'somebody else');
    assert.ok(Math.abs((await redis.pfcount('visitors:1')) - 500) < 15);
    assert.equal(await redis.pfmerge('visitors', 'visitors:1', 'visitors:2'), 'OK');
  },

  async 'shops nearby'(redis) {
    await redis.geoadd('shops', 2.3522, 48.8566, 'paris', 4.8357, 45.764, 'lyon', 5.3698, 43.2965, 'marseille');
    const near = await redis.geosearch('shops', 'FROMLONLAT', 4.9, 45.7, 'BYRADIUS', 300, 'km', 'ASC', 'WITHDIST');
    assert.deepEqual(near.map(([member]) => member), ['lyon', 'marseille']);
    assert.equal(Math.round(await redis.geodist('shops', 'paris', 'lyon', 'km')), 392);
    assert.equal(await redis.geosearchstore('near', 'shops', 'FROMMEMBER', 'lyon', 'BYRADIUS', 300, 'km'), 2);
  },

  async 'orders in a stream, with a group of consumers'(redis) {
    await redis.xgroup('CREATE', 'orders', 'billing', '$', 'MKSTREAM');
    const first = await redis.xadd('orders', '*', 'item', 'apple', 'count', 2);
    await redis.xadd('orders', '*', 'item', 'pear', 'count', 1);
    const [[key, messages]] = await redis.xreadgroup('GROUP', 'billing', 'worker-1', 'COUNT', 10, 'BLOCK', 1000, 'STREAMS', 'orders', '>');
    assert.deepEqual([key, ...messages.map(([, fields]) => fields[1])], ['orders', 'apple', 'pear']);
    assert.equal(await redis.xack('orders', 'billing', first), 1);
    assert.equal((await redis.xpending('orders', 'billing'))[0], 1);
    const [, claimed] = await redis.xautoclaim('orders', 'billing', 'worker-2', 0, '0');
    assert.deepEqual(claimed.map(([, fields]) => fields[1]), ['pear']);
  },

  async 'flags of features'(redis) {
    await redis.hset('flags', 'dark', 'on', 'beta', 'off');
    assert.deepEqual(await redis.hmget('flags', 'dark', 'beta', 'none'), ['on', 'off', null]);
    await redis.hset('flags', 'beta', 'on');
    const found = [];
    for await (const entries of redis.hscanStream('flags')) found.push(...entries);
    assert.deepEqual(found.length, 4);
  },

  async 'money from one account to another'(redis) {
    await redis.mset({ 'account:a': 100, 'account:b': 5 });
    await redis.watch('account:a', 'account:b');
    const balance = Number(await redis.get('account:a'));
    assert.ok(balance >= 30);
    assert.deepEqual(await redis.multi().decrby('account:a', 30).incrby('account:b', 30).exec(), [[null, 70], [null, 35]]);
    assert.deepEqual(await redis.mget('account:a', 'account:b'), ['70', '35']);
  },

  async 'tags, and a walk over all keys'(redis) {
    await redis.sadd('tag:red', 'apple', 'cherry');
    await redis.sadd('tag:fruit', 'apple', 'pear');
    assert.deepEqual(await redis.sinter('tag:red', 'tag:fruit'), ['apple']);
    const stream = redis.scanStream({ match: 'tag:*', count: 100 });
    const keys = [];
    stream.on('data', (found) => keys.push(...found));
    await event(stream, 'end');
    assert.deepEqual(keys.sort(), ['tag:fruit', 'tag:red']);
  },
};

test('node-redis', async (t) => {
  const engine = await Engine.open();
  const path = join(mkdtempSync(join(tmpdir(), 'redstart-')), 'engine.sock');
  const server = await listen(engine, { path });
  const client = createClient({ socket: { path } });
  await client.connect();
  const duplicates = [];
  const duplicate = async () => {
    const other = client.duplicate();
    duplicates.push(other);
    await other.connect();
    return other;
  };
  t.after(() => {
    for (const other of [client, ...duplicates]) other.destroy();
    server.close();
  });
  for (const [name, run] of Object.entries(nodeRedis)) {
    await t.test(name, async () => {
      engine.flushall();
      await run(client, { duplicate });
    });
  }
});

for (const [version, Client] of [[5, Redis], [6, Redis6]]) {
  test(`ioredis ${version}`, async (t) => {
    const engine = await Engine.open();
    const redis = new Client({ Connector: connector(engine) });
    t.after(() => redis.disconnect());
    for (const [name, run] of Object.entries(ioredis)) {
      await t.test(name, async () => {
        engine.flushall();
        await run(redis);
      });
    }
  });
}

test('both clients have the same snippets', () => {
  assert.deepEqual(Object.keys(nodeRedis), Object.keys(ioredis));
});
