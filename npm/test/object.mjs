/**
 * Durable Objects inside workerd, by miniflare: the cases of object-worker.mjs, and what only the outside
 * sees: WebSockets over hibernation, and another process on the same storage. `--bench` measures instead.
 */
import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from '@upstash/redis';
import { equal } from './cases.mjs';
import { worker as run } from './workers.mjs';

const persist = mkdtempSync(join(tmpdir(), 'redstart-object-'));
const start = (options = {}) =>
  run({ file: fileURLToPath(new URL('object-worker.mjs', import.meta.url)) }, {
    durableObjects: { CACHE: { className: 'Cache', useSQLite: true }, SLOW: { className: 'Slow', useSQLite: true }, BOOTED: { className: 'Booted', useSQLite: true }, ODD: { className: 'Odd', useSQLite: true } },
    durableObjectsPersist: persist,
    ...options,
  });

let worker = await start();
const ask = async (path, init) => (await worker.dispatchFetch(`http://localhost${path}`, init)).json();
const rpc = (name, ...command) => ask(`/rpc/${name}`, { method: 'POST', body: JSON.stringify(command) });
const life = async (name) => (await worker.dispatchFetch(`http://localhost/life/${name}`)).text();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const sorted = (list) => [...list].sort();

/** A WebSocket to an object, and what came over it since the last look. */
async function open(path) {
  const { webSocket } = await worker.dispatchFetch(`http://localhost${path}`, { headers: { upgrade: 'websocket' } });
  if (!webSocket) throw new Error(`${path}: no WebSocket`);
  let got = '';
  let closed;
  webSocket.addEventListener('message', ({ data }) => (got += typeof data === 'string' ? data : new TextDecoder().decode(data)));
  webSocket.addEventListener('close', ({ code }) => (closed = code));
  webSocket.accept();
  return {
    send: (text) => webSocket.send(text),
    close: () => webSocket.close(),
    get code() {
      return closed;
    },
    async until(text) {
      for (let i = 0; i < 400 && !got.includes(text); i++) await sleep(5);
      const all = got;
      got = '';
      if (!all.includes(text)) throw new Error(`expected ${JSON.stringify(text)}, got ${JSON.stringify(all)}`);
      return all;
    },
  };
}

const outside = {
  'a WebSocket speaks RESP': async () => {
    const socket = await open('/object/resp/resp?_token=secret');
    socket.send('SET k v\r\n');
    equal(await socket.until('+OK\r\n'), '+OK\r\n');
    socket.send(new TextEncoder().encode('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n'));
    equal(await socket.until('v\r\n'), '$1\r\nv\r\n');
    equal(await rpc('resp', 'GET', 'k'), 'v');
    socket.send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n');
    socket.send('vv\r\nBLPOP q 0\r\n');
    await socket.until('+OK\r\n');
    equal(await rpc('resp', 'RPUSH', 'q', 'x'), 1);
    equal(await socket.until('x\r\n'), '*2\r\n$1\r\nq\r\n$1\r\nx\r\n');
    socket.send('QUIT\r\n');
    await socket.until('+OK\r\n');
    for (let i = 0; i < 100 && socket.code === undefined; i++) await sleep(5);
    equal(socket.code, 1000);
  },

  'a socket that hibernates keeps its subscriptions, its name and its protocol': async () => {
    const json = await open('/object/sleeps/subscribe/news/w%C3%BC?_token=reader');
    await json.until('{"subscribed":"wü"}');
    const resp = await open('/object/sleeps/resp?_token=secret');
    resp.send('HELLO 3\r\nCLIENT SETNAME sleeper\r\nSUBSCRIBE news other\r\nPSUBSCRIBE n*\r\nUNSUBSCRIBE other\r\n');
    await resp.until('>3\r\n$11\r\nunsubscribe\r\n$5\r\nother\r\n:2\r\n');
    const many = await open('/object/sleeps/resp?_token=secret');
    const channels = Array.from({ length: 300 }, (_, i) => `channel-${i}`);
    many.send(`SUBSCRIBE ${channels.join(' ')}\r\n`);
    await many.until(':300\r\n');
    // In the midst of a transaction a connection cannot be made again, so the object stays awake for it.
    await rpc('sleeps', 'SET', 'kept', 'yes');
    const before = await life('sleeps');
    await sleep(12_000);
    json.send('PING');
    await json.until('PONG');
    const after = await life('sleeps');
    equal(after === before, false, 'the object did not hibernate');
    equal(await rpc('sleeps', 'GET', 'kept'), 'yes');
    equal(await rpc('sleeps', 'PUBLISH', 'news', 'hello'), 3);
    equal(await json.until('}'), '{"channel":"news","message":"hello"}');
    equal((await resp.until('$2\r\nn*')).includes('>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n'), true);
    equal(await rpc('sleeps', 'PUBLISH', 'other', 'x'), 0);
    equal(await rpc('sleeps', 'PUBLISH', 'channel-299', 'last'), 1);
    await many.until('last');
    resp.send('CLIENT GETNAME\r\n');
    await resp.until('$7\r\nsleeper\r\n');
    resp.send('UNSUBSCRIBE\r\nPUNSUBSCRIBE\r\n');
    await resp.until('punsubscribe');
    equal(await rpc('sleeps', 'PUBLISH', 'news', 'again'), 1);
    for (const socket of [json, resp, many]) socket.close();
    await sleep(100);
    equal(await rpc('sleeps', 'PUBLISH', 'news', 'nobody'), 0);
  },

  'a socket that hibernates has what it had last': async () => {
    const moved = await open('/object/moved/resp?_token=secret');
    moved.send('SUBSCRIBE old\r\n');
    await moved.until(':1\r\n');
    // As many as before, and others.
    moved.send('UNSUBSCRIBE old\r\nSUBSC');
    moved.send('RIBE new\r\n');
    await moved.until('new\r\n:1\r\n');
    const reset = await open('/object/moved/resp?_token=secret');
    reset.send('SUBSCRIBE old\r\nRESET\r\n');
    await reset.until('+RESET\r\n');
    // It watches nothing.
    const plain = await open('/object/moved/resp?_token=secret');
    plain.send('*3\r\n$3\r\nSET\r\n$9\r\nwatchlist\r\n$5\r\nwatch\r\n');
    await plain.until('+OK\r\n');
    const before = await life('moved');
    await sleep(12_000);
    equal((await life('moved')) === before, false, 'the object did not hibernate');
    equal([await rpc('moved', 'PUBLISH', 'old', 'x'), await rpc('moved', 'PUBLISH', 'new', 'hello')], [0, 1]);
    await moved.until('hello\r\n');
    for (const socket of [moved, reset, plain]) {
      equal(socket.code, undefined);
      socket.close();
    }
  },

  'a connection that watches keeps the object awake, whatever it sends': async () => {
    const socket = await open('/object/watches/resp?_token=secret');
    socket.send('WA');
    socket.send('TCH k\r\n*3\r\n$3\r\nSET\r\n$5\r\nother\r\n$4\r\nexec\r\nSET reset discarded\r\n');
    await socket.until('+OK\r\n+OK\r\n+OK\r\n');
    const before = await life('watches');
    await sleep(12_000);
    equal(await life('watches'), before);
    await rpc('watches', 'SET', 'k', 'changed');
    socket.send('MULTI\r\nSET k mine\r\nEXEC\r\n');
    await socket.until('*-1\r\n');
    socket.close();
  },

  'a transaction over a WebSocket keeps the object awake': async () => {
    const socket = await open('/object/awake/resp?_token=secret');
    socket.send('MULTI\r\nSET k v\r\n');
    await socket.until('+QUEUED');
    const before = await life('awake');
    await sleep(12_000);
    equal(await life('awake'), before);
    socket.send('EXEC\r\n');
    await socket.until('*1\r\n+OK\r\n');
    socket.close();
  },

  '@upstash/redis on one object and on a cluster of them': async () => {
    const base = String(await worker.ready).replace(/\/$/, '');
    for (const name of ['cluster', 'alone']) {
      const redis = new Redis({ url: `${base}/rest/${name}`, token: 'secret', enableTelemetry: false });
      equal(await Promise.all([redis.set('user:1', { name: 'Ada' }), redis.incr('n'), redis.hset('h', { f: 1 })]), ['OK', 1, 1]);
      equal(await redis.pipeline().get('user:1').hgetall('h').zadd('z', { score: 1, member: 'm' }).zrange('z', 0, -1, { withScores: true }).exec(), [{ name: 'Ada' }, { f: 1 }, 1, ['m', 1]]);
      equal(await redis.multi().set('{a}1', 1).get('{a}2').exec(), ['OK', null]);
      equal(await redis.createScript('return redis.call("INCR", KEYS[1])').exec(['n'], []), 2);
      const refused = await redis.mget('user:1', 'n').catch((error) => error.message);
      equal(name === 'cluster' ? /CROSSSLOT/.test(refused) : refused, name === 'cluster' ? true : [{ name: 'Ada' }, 2]);
      equal(sorted(await redis.keys('*')), ['h', 'n', 'user:1', 'z', '{a}1']);
      const subscription = redis.subscribe('news');
      const message = new Promise((done) => subscription.on('message', done));
      await new Promise((done) => subscription.on('subscribe', done));
      equal(await redis.publish('news', { hi: 1 }), 1);
      equal(await message, { channel: 'news', message: { hi: 1 } });
      await subscription.unsubscribe();
    }
  },

  'another process finds what was acknowledged': async () => {
    for (let i = 0; i < 50; i++) await rpc('process', 'INCR', 'counter');
    await rpc('process', 'SET', 'short', 'v', 'PX', '200');
    await worker.dispose();
    await sleep(300);
    worker = await start();
    equal(await rpc('process', 'GET', 'counter'), '50');
    equal(await rpc('process', 'GET', 'short'), null);
  },
};

let failed = 0;
try {
  if (process.argv.includes('--bench')) {
    for (const [what, us] of Object.entries(await ask('/bench'))) console.log(`${what}: ${us} us per command`);
  } else {
    const only = process.argv[2];
    const results = [];
    for (const name of await ask('/names')) {
      if (only && !name.includes(only)) continue;
      const { ok, error } = await ask(`/case/${encodeURIComponent(name)}`);
      results.push([name, ok ? undefined : error]);
    }
    // Those that sleep do so at the same time.
    const last = Object.keys(outside).at(-1);
    await Promise.all(
      Object.entries(outside).filter(([name]) => name !== last && (!only || name.includes(only))).map(async ([name, run]) => {
        results.push([name, await run().then(() => undefined, (error) => error.stack ?? error)]);
      }),
    );
    if (!only || last.includes(only)) results.push([last, await outside[last]().then(() => undefined, (error) => error.stack ?? error)]);
    for (const [name, error] of results) if (error) console.log(`  ${name}: ${error}`);
    failed = results.filter(([, error]) => error).length;
    console.log(`durable objects: ${results.length - failed} passed, ${failed} failed`);
  }
} finally {
  await worker.dispose();
  rmSync(persist, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
