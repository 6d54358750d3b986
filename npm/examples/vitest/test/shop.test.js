/** With Vitest: the engine is a fixture, made for each test from one snapshot, so tests may run at the same time. */
import Redis from 'ioredis';
import { Engine } from 'redstart';
import { connector } from 'redstart/ioredis';
import { describe, test as base } from 'vitest';
import { Carts, Orders } from '../src/shop.js';

const filled = Engine.openSync();
filled.hset('prices', { pear: 3, plum: 2 });
const snapshot = filled.snapshot();
filled.free();

const test = base.extend({
  engine: async ({}, use) => {
    const engine = await Engine.open({ snapshot });
    await use(engine);
    engine.free();
  },
  redis: async ({ engine }, use) => {
    const redis = new Redis({ Connector: connector(engine) });
    await use(redis);
    redis.disconnect();
  },
});

describe.concurrent('a shop', () => {
  test('a cart has what was put into it', async ({ engine, redis, expect }) => {
    const carts = new Carts(redis);
    await carts.add('ada', 'pear');
    await carts.add('ada', 'pear', 2);
    expect(await carts.items('ada')).toEqual({ pear: '3' });
    expect(engine.ttl('cart:ada')).toBeGreaterThan(1700);
  });

  test('no test sees what another one did', ({ engine, expect }) => {
    expect(engine.keys('*')).toEqual(['prices']);
  });

  test('a cart is forgotten after half an hour', async ({ engine, redis, expect }) => {
    const carts = new Carts(redis);
    await carts.add('ada', 'pear');
    engine.advance(30 * 60_000 + 1);
    expect(await carts.items('ada')).toEqual({});
  });

  test('who waits for an order gets nothing when a minute has gone', async ({ engine, redis, expect }) => {
    const waiting = new Orders(redis).next(60);
    await expect.poll(() => engine.info('clients')).toContain('blocked_clients:1');
    engine.advance(60_000);
    expect(await waiting).toBe(null);
  });

  test('an order has its price', async ({ redis, expect }) => {
    const orders = new Orders(redis);
    await orders.place({ item: 'plum', count: 4 });
    expect(await orders.next(1)).toEqual({ item: 'plum', count: 4, total: 8 });
    await expect(orders.place({ item: 'quince', count: 1 })).rejects.toThrow('nobody sells quince');
  });
});
