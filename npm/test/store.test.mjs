/** The store in Node: on an engine in this process, in a thread, over a socket; and what happens when a thread dies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import * as redstart from 'redstart';
import { dial, EngineSocket, listen } from 'redstart/socket';
import { WebSocket, WebSocketServer } from 'ws';
import { runStore, soon } from './store-cases.mjs';

const { ConnectionLostError, Engine, Store } = redstart;
const PLACES = {
  'an engine of its own': () => Store.open(),
  'a thread': () => Store.open({ worker: true }),
  'an engine that is there': async () => Store.open({ engine: await Engine.open() }),
};

for (const [name, open] of Object.entries(PLACES)) {
  test(`the cases: ${name}`, async () => {
    const { passed, failed } = await runStore(redstart, open);
    assert.deepEqual(failed, []);
    assert.ok(passed > 10);
  });
}

const path = join(mkdtempSync(join(tmpdir(), 'redstart-')), 'socket');

test('the cases: over a socket', async () => {
  const server = await listen(await Engine.open(), { path });
  const { failed } = await runStore(redstart, () => Store.open({ host: dial({ path }) }));
  assert.deepEqual(failed, []);
  server.close();
});

test('the cases: over a WebSocket', async () => {
  const engine = await Engine.open();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.on('listening', resolve));
  server.on('connection', (socket) => {
    const wire = new EngineSocket(engine);
    socket.on('message', (bytes) => wire.write(bytes));
    socket.on('close', () => wire.destroy());
    wire.on('data', (bytes) => socket.send(bytes));
    wire.on('close', () => socket.close());
  });
  globalThis.WebSocket = WebSocket;
  const { failed } = await runStore(redstart, () => Store.open({ host: redstart.webSocket(`ws://127.0.0.1:${server.address().port}`) }));
  assert.deepEqual(failed, []);
  server.close();
});

test('the cases: a Redis server', { skip: !existsSync('/usr/bin/redis-server') }, async () => {
  const child = spawn('/usr/bin/redis-server', ['--port', '0', '--unixsocket', `${path}.redis`, '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  try {
    while (!existsSync(`${path}.redis`)) await new Promise((resolve) => setTimeout(resolve, 10));
    const { failed } = await runStore(redstart, () => Store.open({ host: dial({ path: `${path}.redis` }) }));
    assert.deepEqual(failed, []);
  } finally {
    child.kill();
  }
});

test('a server that goes and comes back is found again', async () => {
  const engine = await Engine.open();
  const where = `${path}.again`;
  let server = await listen(engine, { path: where });
  const store = await Store.open({ host: dial({ path: where }) });
  const heard = [];
  await store.subscribe('c', (message) => heard.push(message));
  const query = store.live(['GET', 'k']);
  assert.equal((await query.next()).value, null);
  const next = query.next();
  const pending = store.blpop('q', 0);
  await store.ping();
  // As when the process ends: all connections at once.
  server.close();
  engine.call('CLIENT', 'KILL', 'TYPE', 'normal');
  engine.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await assert.rejects(pending, { name: 'ConnectionLostError' });
  await assert.rejects(store.get('k'), { name: 'ConnectionLostError' });
  server = await listen(engine, { path: where });
  engine.set('k', 'v');
  assert.equal((await soon(next)).value, 'v');
  assert.equal(await store.get('k'), 'v');
  for (let tries = 0; tries < 100 && engine.publish('c', 'again') === 0; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  await store.ping();
  assert.equal(heard.at(-1), 'again');
  await query.return();
  store.close();
  server.close();
});

test('wrong options are told when a store is opened', async () => {
  for (const [options, message] of [
    [{ database: 16 }, /^ERR DB index is out of range$/],
    [{ database: 'x' }, /^database: expected a number from 0 on, got x$/],
    [{ password: 5 }, /^password: expected a text$/],
    [{ engine: {} }, /^engine: expected an object with a function `connect`$/],
    [{ host: {} }, /^host: expected an object with a function `connect`$/],
    [{ maxmemory: 1 }, /^unknown option: maxmemory$/],
  ]) {
    await assert.rejects(redstart.Store.open(options), { message });
  }
});

test('options go to the thread, and wrong ones are told', async () => {
  const store = await Store.open({ worker: true, config: { 'maxmemory-policy': 'allkeys-lru' } });
  assert.deepEqual(await store.configGet('maxmemory-policy'), { 'maxmemory-policy': 'allkeys-lru' });
  store.close();
  await assert.rejects(Store.open({ worker: true, config: { 'no-such': 1 } }), /no-such/);
  await assert.rejects(Store.open({ config: { 'no-such': 1 } }), /no-such/);
  await assert.rejects(Store.open({ worker: true, log: () => {} }), { name: 'TypeError', message: 'log: a function cannot go to another thread' });
  await assert.rejects(Store.open({ worker: true, shared: true }), /expected one of/);
  await assert.rejects(Store.open({ worker: 5 }), { name: 'TypeError', message: /^worker: expected true/ });
});

test('a thread that dies rejects its calls with a name, and those that follow', async () => {
  const thread = new Worker(new URL(import.meta.resolve('redstart/worker')));
  const store = await Store.open({ worker: thread });
  await store.set('k', 'v');
  const feed = store.subscribe('c');
  const query = store.live(['GET', 'k']);
  await query.next();
  const pending = [store.blpop('q', 0), feed.next(), query.next()];
  await store.ping();
  void thread.terminate();
  for (const promise of pending) {
    const error = await soon(promise.then(() => undefined, (error) => error));
    assert.ok(error instanceof ConnectionLostError, String(error));
    assert.match(error.message, /^the engine is gone/);
  }
  await assert.rejects(store.get('k'), { name: 'ConnectionLostError', command: 'get' });
  store.close();
});

test('what a thread acknowledged is in its storage when it is killed', async () => {
  const storage = `file:${mkdtempSync(join(tmpdir(), 'redstart-'))}`;
  const thread = new Worker(new URL(import.meta.resolve('redstart/worker')));
  const store = await Store.open({ worker: thread, storage });
  let acknowledged = 0;
  const writing = (async () => {
    for (;;) acknowledged = await store.incr('n');
  })();
  await new Promise((resolve) => setTimeout(resolve, 100));
  void thread.terminate();
  await assert.rejects(writing, { name: 'ConnectionLostError' });
  const next = await Store.open({ worker: true, storage });
  const found = Number(await next.get('n'));
  assert.ok(acknowledged > 0 && (found === acknowledged || found === acknowledged + 1), `${found} of ${acknowledged}`);
  next.close();
  await assert.rejects(Store.open({ storage: 'nowhere' }), { name: 'TypeError', message: 'storage: expected file:NAME, an object, got nowhere' });
  await assert.rejects(Store.open({ worker: true, storage: {} }), { name: 'TypeError', message: /^storage: an object cannot go to another thread/ });
});

test('an engine that traps in a thread is told', async () => {
  const engine = await Engine.open();
  const store = await Store.open({ engine });
  engine.native.call = () => {
    throw new WebAssembly.RuntimeError('unreachable');
  };
  await assert.rejects(store.get('k'), { name: 'EngineDeadError' });
});

test('the engine has the same methods, at once', async () => {
  const engine = await Engine.open();
  assert.deepEqual(engine.pipeline().set('k', 1).incr('k').exec(), ['OK', 2]);
  assert.deepEqual(engine.multi().set('k', 1).incr('k').exec(), ['OK', 2]);
  assert.deepEqual(engine.transaction((tx) => tx.multi().set('k', Number(tx.get('k')) * 2).get('k')), ['OK', '4']);
  assert.equal(engine.transaction((tx) => tx.incr('k')), 5);
  assert.throws(() => engine.transaction(async () => {}), /expected a function that does not wait/);
  engine.mset({ a: 1, b: 2 });
  assert.deepEqual([...engine.scan({ match: '?' })].sort(), ['a', 'b', 'k']);
  engine.hset('h', { f: 'v' });
  assert.deepEqual([...engine.hScan('h')], [['f', 'v']]);
  assert.deepEqual(engine.scan(0, 'MATCH', 'h'), ['0', ['h']]);
  const feed = engine.subscribe('c');
  assert.equal(engine.publish('c', 'm'), 1);
  assert.deepEqual(await feed.next(), { value: { message: 'm', channel: 'c' }, done: false });
  await feed.return();
  assert.equal(engine.publish('c', 'm'), 0);
  const query = engine.live(['GET', 'a']);
  assert.equal((await query.next()).value, '1');
  engine.incr('a');
  engine.incr('a');
  assert.equal((await query.next()).value, '3');
  const next = query.next();
  engine.set('a', 'x', { PX: 100 });
  assert.equal((await next).value, 'x');
  const gone = query.next();
  engine.advance(101);
  assert.equal((await soon(gone)).value, null);
  await query.return();
  assert.equal(engine.report().connections, 1);
});
