/** Clocks and timers that a test has put in the place of the real ones: an engine goes by them. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import Redis from 'ioredis';
import { Engine } from 'redstart';
import { connector } from 'redstart/ioredis';

const { setImmediate } = globalThis;

/** An engine, and what begins to wait for an element on a connection: `state()` is its reply, once it has one. */
async function open(t) {
  const engine = await Engine.open();
  const redis = new Redis({ Connector: connector(engine), maxRetriesPerRequest: null });
  t.after(() => {
    mock.timers.reset();
    mock.restoreAll();
    redis.disconnect();
    engine.free();
  });
  await redis.ping();
  const wait = async (seconds) => {
    let state = 'waits';
    const popped = redis.blpop('queue', seconds).then((reply) => (state = reply));
    while (!/ flags=b /.test(engine.call('CLIENT', 'LIST'))) await new Promise(setImmediate);
    return { popped, state: () => state };
  };
  return { engine, wait };
}

test('keys expire and waits end by fake timers', async (t) => {
  const { engine, wait } = await open(t);
  // A timer that was set before: it goes by the real time.
  engine.set('before', 'v', 'PX', 60_000);
  engine.call('CONFIG', 'SET', 'notify-keyspace-events', 'Ex');
  const expired = [];
  engine.subscribe('__keyevent@0__:expired', (key) => expired.push(key));
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() });
  engine.set('short', 'v', 'PX', 500);
  const first = await wait(5);
  mock.timers.tick(600);
  // Those that are set meanwhile begin when Node's tick has ended.
  for (let ms = 0; ms < 10; ms++) mock.timers.tick(1);
  await new Promise(setImmediate);
  assert.equal(first.state(), 'waits');
  assert.deepEqual(expired, ['short']);
  mock.timers.tick(4500);
  assert.equal(await first.popped, null);
  // Back in the real time nothing ends before it should.
  const second = await wait(30);
  mock.timers.reset();
  engine.tick();
  await new Promise(setImmediate);
  assert.equal(second.state(), 'waits');
  engine.rpush('queue', 'e');
  assert.deepEqual(await second.popped, ['queue', 'e']);
});

test('a clock of performance that begins anew, and the real one again', async (t) => {
  const { engine, wait } = await open(t);
  let now = 0;
  const faked = mock.method(performance, 'now', () => now);
  const first = await wait(5);
  now = 4999;
  engine.tick();
  await new Promise(setImmediate);
  assert.equal(first.state(), 'waits');
  now = 5001;
  engine.tick();
  assert.equal(await first.popped, null);
  now = 1e12;
  const second = await wait(30);
  faked.mock.restore();
  engine.tick();
  await new Promise(setImmediate);
  assert.equal(second.state(), 'waits');
  engine.rpush('queue', 'e');
  assert.deepEqual(await second.popped, ['queue', 'e']);
});

test('waits go on while the date stands still', async (t) => {
  const { engine, wait } = await open(t);
  mock.timers.enable({ apis: ['Date'], now: 1e12 });
  let now = performance.now();
  mock.method(performance, 'now', () => now);
  const first = await wait(1);
  engine.rpush('queue', 'e');
  await first.popped;
  // As long as this one would wait; it has not begun yet.
  now += 10_000;
  const second = await wait(5);
  engine.tick();
  await new Promise(setImmediate);
  assert.equal(second.state(), 'waits');
  now += 5001;
  engine.tick();
  assert.equal(await second.popped, null);
});

test('who waits leaves no timer for fake ones to run or to take away', async (t) => {
  const { engine, wait } = await open(t);
  const before = await wait(0);
  const set = mock.method(globalThis, 'setInterval', () => assert.fail('a fake timer was set'));
  const cleared = mock.method(globalThis, 'clearInterval', () => assert.fail('a real timer was given to a fake'));
  engine.rpush('queue', 'e');
  await before.popped;
  const during = await wait(0);
  engine.rpush('queue', 'e');
  await during.popped;
  assert.equal(set.mock.callCount() + cleared.mock.callCount(), 0);
});
