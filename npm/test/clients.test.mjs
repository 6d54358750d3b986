/** Clients that exist, unchanged, on an engine in this process. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Redis as Upstash } from '@upstash/redis';
import Redis from 'ioredis';
import Redis6 from 'ioredis6';
import { createClient } from 'redis';
import { Client, Engine, Store } from 'redstart';
import { connector } from 'redstart/ioredis';
import { listen } from 'redstart/socket';
import { requester, toFetchHandler } from 'redstart/upstash';
import { dist } from './where.mjs';

const TOKEN = 'a token of some length';

test('Client: a promise per command, replies as RESP2 has them', async () => {
  const engine = await Engine.open();
  const client = new Client(engine);
  const pop = client.send(['BLPOP', 'queue', '0']);
  engine.rpush('queue', 'job');
  assert.deepEqual(await pop, ['queue', 'job']);
  await client.send(['HSET', 'h', 'a', '1']);
  assert.deepEqual(await client.send(['HGETALL', 'h']), ['a', '1']);
  assert.deepEqual(await client.send(['GET', 'none']), null);
  assert.match((await client.send(['GET', 'h'])).message, /^WRONGTYPE /);
  assert.deepEqual(await client.send(['HGET', 'h', 'a'], true), new Uint8Array([49]));
  assert.equal(String(await client.raw(['PING'])), String(new TextEncoder().encode('+PONG\r\n')));
  const waiting = client.send(['BLPOP', 'queue', '0']);
  client.close();
  assert.match((await waiting).message, /closed/);
});

for (const [version, Redis_] of [[5, Redis], [6, Redis6]]) test(`ioredis ${version} by its connector`, async () => {
  const engine = await Engine.open();
  const redis = new Redis_({ Connector: connector(engine), maxRetriesPerRequest: null });
  assert.equal(await redis.set('a', '1', 'EX', 60), 'OK');
  assert.deepEqual(await redis.pipeline().incr('a').get('a').exec(), [[null, 2], [null, '2']]);
  assert.deepEqual(await redis.multi().set('x', 1).incr('x').exec(), [[null, 'OK'], [null, 2]]);
  const subscriber = redis.duplicate();
  await subscriber.subscribe('news');
  const message = new Promise((resolve) => subscriber.on('message', (...got) => resolve(got)));
  assert.equal(engine.publish('news', 'hello'), 1);
  assert.deepEqual(await message, ['news', 'hello']);
  const blocked = redis.duplicate();
  const popped = blocked.blpop('list', 5);
  await redis.rpush('list', 'e');
  assert.deepEqual(await popped, ['list', 'e']);
  assert.deepEqual(await redis.getBuffer('a'), Buffer.from('2'));
  await assert.rejects(redis.lpush('a', 'x'), /WRONGTYPE Operation against a key holding the wrong kind of value/);
  const found = [];
  for await (const keys of redis.scanStream({ match: '*' })) found.push(...keys);
  assert.deepEqual(found.sort(), ['a', 'x']);
  redis.defineCommand('twice', { numberOfKeys: 1, lua: "return redis.call('INCRBY', KEYS[1], 2 * ARGV[1])" });
  assert.equal(await redis.twice('a', 5), 12);
  assert.equal(await redis.pipeline().twice('a', 1).exec().then(([[, reply]]) => reply), 14);
  await redis.hset('h', { f: 'v', n: 1 });
  assert.deepEqual({ ...(await redis.hgetall('h')) }, { f: 'v', n: '1' });
  await redis.xgroup('CREATE', 's', 'g', '$', 'MKSTREAM');
  const read = blocked.xreadgroup('GROUP', 'g', 'c', 'BLOCK', 5000, 'STREAMS', 's', '>');
  await redis.xadd('s', '1-1', 'f', 'v');
  assert.deepEqual(await read, [['s', [['1-1', ['f', 'v']]]]]);
  const monitor = await redis.duplicate().monitor();
  const seen = new Promise((resolve) => monitor.on('monitor', (_, command) => resolve(command)));
  await redis.ping('watched');
  assert.deepEqual(await seen, ['ping', 'watched']);
  monitor.disconnect();
  await redis.watch('a');
  engine.set('a', 0);
  assert.equal(await redis.multi().set('a', 1).exec(), null);
  await subscriber.quit();
  blocked.disconnect();
  redis.disconnect();
});

for (const [version, Redis_] of [[5, Redis], [6, Redis6]]) test(`ioredis ${version}: a freed engine ends its clients, and who waits is told`, async () => {
  for (const maxRetriesPerRequest of [20, null]) {
    const engine = await Engine.open();
    const options = { Connector: connector(engine), maxRetriesPerRequest };
    const redis = new Redis_(options);
    const blocked = redis.duplicate().duplicate();
    const errors = [];
    for (const client of [redis, blocked]) client.on('error', (error) => errors.push(error));
    await Promise.all([redis.ping(), blocked.ping()]);
    const ended = Promise.all([redis, blocked].map((client) => new Promise((resolve) => client.once('end', resolve))));
    const popped = assert.rejects(blocked.blpop('none', 0), /Connection is closed/);
    await redis.ping();
    engine.free();
    await Promise.all([popped, assert.rejects(redis.get('k'), /Connection is closed/), ended]);
    await assert.rejects(redis.get('k'), /Connection is closed/);
    assert.deepEqual(errors, []);
    const late = new Redis_(options);
    const told = new Promise((resolve) => late.once('error', resolve));
    await assert.rejects(late.get('k'), /the engine was freed/);
    assert.match((await told).message, /the engine was freed/);
    assert.equal(late.status, 'end');
  }
});

for (const [version, Redis_] of [[5, Redis], [6, Redis6]]) test(`ioredis ${version}: what is sent behind QUIT is refused, and no error besides`, async () => {
  const engine = await Engine.open();
  const redis = new Redis_({ Connector: connector(engine) });
  const errors = [];
  redis.on('error', (error) => errors.push(error));
  await redis.ping();
  const ended = new Promise((resolve) => redis.once('end', resolve));
  const late = assert.rejects(Promise.all([redis.quit(), redis.get('k')]), /Connection is closed/);
  await Promise.all([late, ended]);
  assert.deepEqual(errors, []);
});

test('a server ends with its engine, and those who are connected are told', async () => {
  for (const end of [(engine) => engine.free(), (engine) => assert.throws(() => engine.call('SHUTDOWN', 'NOSAVE'), () => true)]) {
    const engine = await Engine.open();
    const server = await listen(engine, { host: '127.0.0.1', port: 0 });
    const { port } = server.address();
    const client = createClient({ socket: { port, host: '127.0.0.1', reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    const closed = new Promise((resolve) => server.once('close', resolve));
    const popped = assert.rejects(client.blPop('none', 0));
    await new Promise((resolve) => {
      const look = () => (/cmd=blpop/.test(engine.call('CLIENT', 'LIST')) ? resolve() : setImmediate(look));
      look();
    });
    // This one is accepted when there is no engine any more.
    const late = connect(port, '127.0.0.1');
    const refused = new Promise((resolve) => late.on('error', () => undefined).on('close', resolve));
    try {
      end(engine);
    } catch {
      // SHUTDOWN has no reply.
      engine.free();
    }
    await Promise.all([popped, refused, closed]);
    await assert.rejects(listen(engine, { port: 0 }), /the engine was freed/);
  }
});

test('node-redis over a socket file', async () => {
  const engine = await Engine.open();
  const path = join(mkdtempSync(join(tmpdir(), 'redstart-')), 'engine.sock');
  const server = await listen(engine, { path });
  const client = createClient({ socket: { path } });
  await client.connect();
  assert.equal(await client.set('k', 'v', { expiration: { type: 'EX', value: 10 } }), 'OK');
  assert.equal(engine.get('k'), 'v');
  await client.hSet('h', { a: '1', b: '2' });
  assert.deepEqual({ ...(await client.hGetAll('h')) }, { a: '1', b: '2' });
  assert.deepEqual(await client.multi().incr('n').get('n').exec(), [1, '1']);
  const subscriber = client.duplicate();
  await subscriber.connect();
  const message = new Promise((resolve) => subscriber.subscribe('ch', (...got) => resolve(got)).then(() => engine.publish('ch', 'hello')));
  assert.deepEqual(await message, ['hello', 'ch']);
  subscriber.destroy();
  client.destroy();
  server.close();
});

async function upstash(redis) {
  assert.equal(await redis.set('u:1', { a: 1 }, { ex: 60 }), 'OK');
  assert.deepEqual(await redis.get('u:1'), { a: 1 });
  assert.equal(await redis.hset('h', { f: 'x', n: 3 }), 2);
  assert.deepEqual(await redis.hgetall('h'), { f: 'x', n: 3 });
  assert.deepEqual(await redis.pipeline().incr('pc').get('pc').lpush('pl', 1, 2).exec(), [1, 1, 2]);
  assert.deepEqual(await redis.multi().set('m', 1).incr('m').exec(), ['OK', 2]);
  assert.deepEqual(await Promise.all([redis.incr('q'), redis.incr('q'), redis.get('q')]), [1, 2, 2]);
  assert.equal(await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' }), 2);
  assert.deepEqual(await redis.zrange('z', 0, -1, { withScores: true }), ['a', 1, 'b', 2]);
  await redis.set('text', 'grüße');
  assert.equal(await redis.get('text'), 'grüße');
  await assert.rejects(redis.lpush('text', 1), /WRONGTYPE/);
  await redis.set('big', '9007199254740993');
  assert.equal(await redis.get('big'), '9007199254740993');
  const subscription = redis.subscribe(['news']);
  const message = new Promise((resolve) => subscription.on('message', resolve));
  await new Promise((resolve) => subscription.on('subscribe', resolve));
  await redis.publish('news', { hi: 1 });
  assert.deepEqual((await message).message, { hi: 1 });
  await subscription.unsubscribe();
}

test('@upstash/redis on the requester', async () => {
  await upstash(new Upstash(requester(await Engine.open())));
});

test('@upstash/redis on the fetch handler', async (t) => {
  const handler = toFetchHandler(await Engine.open(), { token: TOKEN });
  t.mock.method(globalThis, 'fetch', (url, init) => handler(new Request(url, init)));
  await upstash(new Upstash({ url: 'https://engine.example', token: TOKEN }));
});

test('the fetch handler refuses what it must', async () => {
  const engine = await Engine.open();
  const handler = toFetchHandler(engine, { token: TOKEN, readOnlyToken: 'reader', maxBody: 100 });
  const ask = async (path, { token = TOKEN, ...init } = {}) => {
    const response = await handler(new Request(`https://engine.example${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } }));
    return [response.status, await response.json()];
  };
  const post = (path, body, more) => ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...more });

  assert.deepEqual(await ask('/set/k/v/EX/100'), [200, { result: 'OK' }]);
  assert.deepEqual(await ask('/get/k', { token: 'wrong' }), [401, { error: 'WRONGPASS invalid or missing auth token' }]);
  assert.deepEqual(await ask('/get/k', { token: '' }), [401, { error: 'WRONGPASS invalid or missing auth token' }]);
  assert.deepEqual(await ask('/get/k', { token: 'reader' }), [200, { result: 'v' }]);
  assert.equal((await ask('/set/k/w', { token: 'reader' }))[0], 400);
  assert.equal((await ask('/keys/*', { token: 'reader' }))[0], 400);
  assert.deepEqual(await post('/set/body?EX=100', 'from the body'), [200, { result: 'OK' }]);
  assert.deepEqual(await post('/', ['GET', 'body']), [200, { result: 'from the body' }]);
  assert.deepEqual(await post('/', ['GET', 'body'], { headers: { 'upstash-encoding': 'base64' } }), [200, { result: btoa('from the body') }]);
  assert.deepEqual(await post('/', ['SET', 'k'], {}), [400, { error: "ERR wrong number of arguments for 'set' command" }]);
  assert.deepEqual(await post('/', ['BLPOP', 'q', 0.01]), [200, { result: null }]);
  assert.deepEqual((await post('/', ['SELECT', 1]))[0], 400);
  assert.equal((await post('/', 'no json'))[0], 400);
  assert.equal((await post('/', '[]'))[0], 400);
  assert.equal((await post('/', 'x'.repeat(101)))[0], 413);
  assert.equal((await ask('/get/%ff'))[0], 400);
  assert.equal((await ask('/get/k', { method: 'DELETE' }))[0], 405);
  assert.deepEqual(await post('/pipeline', [['INCR', 'n'], ['LPUSH', 'n', 1]]), [
    200,
    [{ result: 1 }, { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' }],
  ]);
  assert.deepEqual(await post('/multi-exec', [['INCR', 'n'], ['NOSUCH']]), [400, { error: 'EXECABORT Transaction discarded because of previous errors.' }]);
  assert.deepEqual(await ask('/get/k?_token=wrong', { token: '' }), [401, { error: 'WRONGPASS invalid or missing auth token' }]);
  const raw = await handler(new Request(`https://engine.example/get/k?_token=${encodeURIComponent(TOKEN)}`, { headers: { 'upstash-response-format': 'resp2' } }));
  assert.equal(await raw.text(), '$1\r\nv\r\n');
});

test('the fetch handler lets nobody in by an empty token, and wants options of the right types', async () => {
  const engine = await Engine.open();
  const handler = toFetchHandler(engine, { token: TOKEN, readOnlyToken: '' });
  for (const [path, headers] of [['/get/k', {}], ['/get/k', { authorization: 'Bearer ' }], ['/get/k?_token=', {}]]) {
    assert.equal((await handler(new Request(`https://engine.example${path}`, { headers }))).status, 401);
  }
  for (const [options, name] of [[{}, 'token'], [{ token: '' }, 'token'], [{ token: 'x', readOnlyToken: 5 }, 'readOnlyToken'], [{ token: 'x', maxBody: '10mb' }, 'maxBody']]) {
    assert.throws(() => toFetchHandler(engine, options), (error) => error instanceof TypeError && error.message.startsWith(`toFetchHandler: ${name}: `));
  }
  assert.throws(() => toFetchHandler({}, { token: 'x' }), /argument 1: expected an engine, a store/);
  engine.free();
  assert.equal((await handler(new Request(`https://engine.example/get/k`, { headers: { authorization: `Bearer ${TOKEN}` } }))).status, 503);
});

test('what a subscription over HTTP tells is in its order', async () => {
  const engine = await Engine.open();
  const handler = toFetchHandler(engine, { token: TOKEN });
  const response = await handler(new Request('https://engine.example/subscribe/a/b/c', { headers: { authorization: `Bearer ${TOKEN}` } }));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  engine.publish('a', 'two\nlines');
  let told = '';
  while (!told.includes('lines\n\n')) told += (await reader.read()).value;
  assert.equal(told, 'data: subscribe,a,1\n\ndata: subscribe,b,2\n\ndata: subscribe,c,3\n\ndata: message,a,two\ndata: lines\n\n');
  await reader.cancel();
  engine.free();
});

test('a subscription over HTTP ends with its reader, whenever that goes, and with what it is of', async () => {
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on('unhandledRejection', note);
  const turns = () => new Promise((done) => setTimeout(done, 20));
  for (const open of [() => Engine.open(), () => Store.open({})]) {
    const place = await open();
    const handler = toFetchHandler(place, { token: TOKEN });
    const ask = (path, signal) => handler(new Request(`https://engine.example${path}`, { signal, headers: { authorization: `Bearer ${TOKEN}` } }));
    const before = new AbortController();
    before.abort();
    await ask('/subscribe/a', before.signal);
    const atOnce = new AbortController();
    await ask('/psubscribe/a*', atOnce.signal);
    atOnce.abort();
    await (await ask('/subscribe/a')).body.cancel();
    const later = new AbortController();
    const reader = (await ask('/subscribe/a', later.signal)).body.getReader();
    await reader.read();
    later.abort();
    assert.equal((await reader.read()).done, true);
    const redis = new Upstash(requester(place));
    await redis.subscribe('a').unsubscribe();
    await turns();
    assert.equal(await place.publish('a', 'nobody'), 0);
    assert.match(await place.info('clients'), /connected_clients:1\r/);
    // One that does not read what is published.
    const lazy = (await ask('/subscribe/large')).body.getReader();
    assert.match(new TextDecoder().decode((await lazy.read()).value), /^data: subscribe,large,1/);
    const mebibyte = 'x'.repeat(1 << 20);
    for (let i = 0; i < 40; i++) await place.publish('large', mebibyte);
    await turns();
    assert.equal(await place.publish('large', 'nobody'), 0);
    await assert.rejects(lazy.read(), /not read as fast/);
    // What it is of ends.
    const last = (await ask('/subscribe/a')).body.getReader();
    await last.read();
    await place.close();
    assert.equal((await last.read()).done, true);
  }
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
});

test('what MONITOR shows over HTTP is as Upstash shows it', async () => {
  const engine = await Engine.open();
  const handler = toFetchHandler(engine, { token: TOKEN });
  const response = await handler(new Request('https://engine.example/monitor', { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } }));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, 'data: "OK"\n\n');
  let shown = '';
  engine.set('k', 'v');
  while (!shown.includes('SET')) shown = (await reader.read()).value;
  assert.match(shown, /^data: \d+\.\d{6} \[0 [^\]]+\] "SET" "k" "v"\n\n$/);
  await reader.cancel();
  engine.free();
});

test('values over HTTP are not changed on their way', async () => {
  const engine = await Engine.open();
  const handler = toFetchHandler(engine, { token: TOKEN });
  const post = async (path, body) => {
    const response = await handler(new Request(`https://engine.example${path}`, { method: 'POST', body, headers: { authorization: `Bearer ${TOKEN}` } }));
    return [response.status, (await response.json())];
  };
  // A value may begin with the mark that decoders leave out.
  engine.set('bom', '\uFEFFtext');
  assert.deepEqual(await post('/', '["GET","bom"]'), [200, { result: '\uFEFFtext' }]);
  // Integers that a number of JavaScript would round.
  assert.deepEqual(await post('/', '["SET","n",9007199254740993]'), [200, { result: 'OK' }]);
  assert.deepEqual(await post('/pipeline', '[["GET","n"],["INCRBY","n",-9223372036854775807 ],["ECHO","a\\\\\\" -9007199254740993, "],["ECHO",1.00000000000000001e3]]'), [
    200,
    [{ result: '9007199254740993' }, { result: engine.get('n') }, { result: 'a\\" -9007199254740993, ' }, { result: '1000' }],
  ]);
  assert.equal(engine.get('n'), '-9214364837600034814');
  // What is nested too deep is refused as anything that is not understood.
  const deep = await post('/', `["SET","k",${'['.repeat(50_000)}${']'.repeat(50_000)}]`);
  assert.equal(deep[0], 400);
});

test('one who may only read may also ask what keys are', async () => {
  const engine = await Engine.open();
  engine.xadd('x', '1-1', { f: 'v' });
  const handler = toFetchHandler(engine, { token: TOKEN, readOnlyToken: 'reader' });
  const status = async (...command) => (await handler(new Request('https://engine.example/', { method: 'POST', body: JSON.stringify(command), headers: { authorization: 'Bearer reader' } }))).status;
  for (const command of [['OBJECT', 'ENCODING', 'x'], ['XINFO', 'STREAM', 'x'], ['memory', 'usage', 'x'], ['XREAD', 'STREAMS', 'x', '0']]) assert.equal(await status(...command), 200, String(command));
  for (const command of [['OBJECT'], ['OBJECT', 5], ['MEMORY', 'PURGE'], ['XGROUP', 'CREATE', 'x', 'g', '$'], ['CONFIG', 'GET', '*'], ['get|x'], ['KEYS', '*'], ['NOSUCH']]) assert.equal(await status(...command), 400, String(command));
});

test('npx redstart serves the protocol', async () => {
  const cli = fileURLToPath(new URL('cli.mjs', dist));
  const path = join(mkdtempSync(join(tmpdir(), 'redstart-')), 'cli.sock');
  const child = spawn(process.execPath, [cli, '--unixsocket', path, '--maxmemory', '50mb']);
  try {
    await new Promise((resolve, reject) => {
      child.stdout.on('data', (text) => String(text).includes('Ready') && resolve());
      child.on('exit', (status) => reject(new Error(`ended with ${status}`)));
    });
    const client = createClient({ socket: { path } });
    await client.connect();
    assert.equal(await client.ping(), 'PONG');
    assert.equal((await client.configGet('maxmemory')).maxmemory, '52428800');
    client.destroy();
  } finally {
    child.removeAllListeners('exit');
    child.kill();
  }
  const wrong = spawn(process.execPath, [cli, '--nonsense', '1']);
  let said = '';
  wrong.stderr.on('data', (text) => (said += text));
  assert.equal(await new Promise((resolve) => wrong.on('exit', resolve)), 1);
  assert.match(said, /^redstart: .*nonsense/);
});

test('npx redstart ends when it is told to, and takes the place of one that died', async () => {
  const cli = fileURLToPath(new URL('cli.mjs', dist));
  const path = join(mkdtempSync(join(tmpdir(), 'redstart-')), 'cli.sock');
  const start = async () => {
    const child = spawn(process.execPath, [cli, '--unixsocket', path]);
    const ended = new Promise((resolve) => child.on('exit', (status, signal) => resolve(signal ?? status)));
    let said = '';
    child.stderr.on('data', (text) => (said += text));
    await Promise.race([new Promise((resolve) => child.stdout.on('data', (text) => String(text).includes('Ready') && resolve())), ended]);
    return { child, ended, said: () => said };
  };
  const killed = await start();
  killed.child.kill('SIGKILL');
  assert.equal(await killed.ended, 'SIGKILL');
  assert.ok(existsSync(path));
  for (const end of ['SIGINT', 'SIGTERM', 'SHUTDOWN']) {
    const { child, ended } = await start();
    const socket = connect(path);
    await new Promise((resolve) => socket.once('connect', resolve));
    if (end === 'SHUTDOWN') socket.write('SHUTDOWN NOSAVE\r\n');
    else {
      // One that waits keeps it no longer.
      socket.write('BLPOP none 0\r\n');
      const other = await start();
      assert.equal(await other.ended, 1);
      assert.match(other.said(), /EADDRINUSE/);
      child.kill(end);
    }
    assert.equal(await ended, 0, end);
    assert.ok(!existsSync(path), end);
    socket.destroy();
  }
});

const hasServer = spawnSync('redis-server', ['--version']).status === 0;

test('a redis-server replicates from an engine, and goes on alone', { skip: !hasServer, timeout: 60_000 }, async () => {
  const engine = await Engine.open();
  for (let i = 0; i < 1000; i++) engine.set(`key:${i}`, `value ${i}`);
  const folder = mkdtempSync(join(tmpdir(), 'redstart-'));
  const server = await listen(engine, { host: '127.0.0.1', port: 0 });
  const path = join(folder, 'replica.sock');
  const replica = spawn('redis-server', ['--port', '0', '--unixsocket', path, '--dir', folder, '--save', '', '--replicaof', `127.0.0.1 ${server.address().port}`], { stdio: 'ignore' });
  const client = new Redis({ path, retryStrategy: () => 50 });
  client.on('error', () => {});
  try {
    const until = async (wanted, ask) => {
      while ((await ask().catch(() => undefined)) !== wanted) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await until(1000, () => client.dbsize());
    engine.multi().set('later', 'told').del('key:0').exec();
    await until('told', () => client.get('later'));
    assert.match(engine.info('replication'), /connected_slaves:1\r\nslave0:.*state=online/);
    assert.equal(await client.call('REPLICAOF', 'NO', 'ONE'), 'OK');
    assert.equal(await client.set('own', 'data'), 'OK');
    assert.deepEqual([await client.dbsize(), await client.get('key:999')], [1001, 'value 999']);
    while (engine.info('replication').includes('connected_slaves:1')) await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    client.disconnect();
    replica.kill();
    engine.free();
  }
});

test('the same from CommonJS', () => {
  const require = createRequire(import.meta.url);
  const { Engine } = require('redstart');
  const engine = Engine.openSync();
  const { requester } = require('redstart/upstash');
  const { connector } = require('redstart/ioredis');
  const { EngineSocket } = require('redstart/socket');
  assert.equal(typeof requester(engine).request, 'function');
  assert.equal(new (connector(engine))().check(), true);
  new EngineSocket(engine).destroy();
});
