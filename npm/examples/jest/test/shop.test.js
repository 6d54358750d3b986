/** With Jest, in CommonJS: each test starts from a file, which `redis-cli --rdb` or `engine.snapshot()` makes. */
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const Redis = require('ioredis');
const { Engine } = require('redstart');
const { connector } = require('redstart/ioredis');
const { Carts, Orders } = require('../src/shop.js');

const folder = mkdtempSync(join(tmpdir(), 'shop-'));
const file = join(folder, 'dump.rdb');
let engine;
let redis;

beforeAll(() => {
  const filled = Engine.openSync();
  filled.hset('prices', { pear: 3, plum: 2 });
  writeFileSync(file, filled.snapshot());
  filled.free();
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  engine = await Engine.open({ snapshot: readFileSync(file) });
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
  expect(await carts.items('ada')).toEqual({ pear: '3' });
  expect(engine.ttl('cart:ada')).toBeGreaterThan(1700);
});

test('no test sees what another one did', () => {
  expect(engine.keys('*')).toEqual(['prices']);
});

test('a cart is forgotten after half an hour', async () => {
  const carts = new Carts(redis);
  await carts.add('ada', 'pear');
  engine.advance(30 * 60_000 + 1);
  expect(await carts.items('ada')).toEqual({});
});

test('who waits for an order gets nothing when a minute has gone', async () => {
  const waiting = new Orders(redis).next(60);
  while (!engine.info('clients').includes('blocked_clients:1')) await new Promise((resolve) => setImmediate(resolve));
  engine.advance(60_000);
  expect(await waiting).toBe(null);
});

test('an order has its price', async () => {
  const orders = new Orders(redis);
  await orders.place({ item: 'plum', count: 4 });
  expect(await orders.next(1)).toEqual({ item: 'plum', count: 4, total: 8 });
  await expect(orders.place({ item: 'quince', count: 1 })).rejects.toThrow('nobody sells quince');
});
