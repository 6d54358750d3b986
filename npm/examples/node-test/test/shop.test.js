/** With Node's own runner: one engine is filled, and each test has a fork of it, which takes far less than a millisecond. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import Redis from 'ioredis';
import { Engine } from 'redstart';
import { connector } from 'redstart/ioredis';
import { Carts, Orders } from '../src/shop.js';

let filled;
let engine;
let redis;

before(async () => {
  filled = await Engine.open();
  filled.hset('prices', { pear: 3, plum: 2 });
});
after(() => filled.free());

beforeEach(() => {
  engine = filled.fork();
  redis = new Redis({ Connector: connector(engine) });
});
afterEach(() => {
  redis.disconnect();
  engine.free();
});

test('a cart has what was put into it', async () => {
  const carts = new Carts(redis);
  await carts.add('ada', 'pear');
  await carts.add('ada', 'pear', 2);
  assert.deepEqual(await carts.items('ada'), { pear: '3' });
  // The engine is here: what the code left behind can be looked at without a client.
  assert.equal(engine.ttl('cart:ada') > 1700, true);
});

test('no test sees what another one did', () => {
  assert.deepEqual(engine.keys('*'), ['prices']);
});

test('a cart is forgotten after half an hour', async () => {
  const carts = new Carts(redis);
  await carts.add('ada', 'pear');
  engine.advance(29 * 60_000);
  await carts.add('ada', 'plum');
  engine.advance(29 * 60_000);
  assert.deepEqual(await carts.items('ada'), { pear: '1', plum: '1' });
  engine.advance(60_001);
  assert.deepEqual(await carts.items('ada'), {});
});

test('who waits for an order gets the next one', async () => {
  const orders = new Orders(redis);
  const waiting = orders.next(0);
  const shop = new Orders(redis.duplicate());
  await shop.place({ item: 'pear', count: 2 });
  assert.deepEqual(await waiting, { item: 'pear', count: 2, total: 6 });
  shop.redis.disconnect();
});

test('and nothing, when a minute has gone', async () => {
  const waiting = new Orders(redis).next(60);
  while (!engine.info('clients').includes('blocked_clients:1')) await new Promise((resolve) => setImmediate(resolve));
  engine.advance(60_000);
  assert.equal(await waiting, null);
});
