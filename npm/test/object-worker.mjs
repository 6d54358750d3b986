// The Worker of object.mjs: what runs inside. Each path is a case, or a part of one.
import { Store } from 'redstart';
import { Cluster, connect, objectHost, RedisObject } from 'redstart/durable-object';
import { toFetchHandler } from 'redstart/upstash';
import { equal } from './cases.mjs';

export class Cache extends RedisObject {
  constructor(ctx, env) {
    super(ctx, env, { token: 'secret', readOnlyToken: 'reader', maxBody: 1000, ...(env.CONFIG ? { config: JSON.parse(env.CONFIG) } : {}) });
    this.born = `${Date.now()}-${Math.random()}`;
  }
  life() {
    return this.born;
  }
  die() {
    this.ctx.abort('as if the machine had gone');
  }
  async end() {
    await this.ctx.storage.deleteAll();
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.sync();
    this.ctx.abort('deleted');
  }
  tables() {
    return [...this.ctx.storage.sql.exec('SELECT SUM(LENGTH(bytes)) AS bytes FROM redstart_pieces')][0].bytes;
  }
  hit(page) {
    return this.engine.incr(`hits:${page}`);
  }
  rows() {
    const [{ rows, largest }] = [...this.ctx.storage.sql.exec('SELECT COUNT(*) AS rows, MAX(LENGTH(bytes)) AS largest FROM redstart_pieces')];
    const [{ current }] = [...this.ctx.storage.sql.exec('SELECT current FROM redstart_state')];
    return { rows, largest, current };
  }
  async writes(bytes) {
    this.ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS rows (bytes BLOB)');
    const begin = performance.now();
    for (let i = 0; i < 20; i++) {
      this.ctx.storage.sql.exec('INSERT INTO rows VALUES (?)', new Uint8Array(bytes));
      await this.ctx.storage.sync();
    }
    return ((performance.now() - begin) * 1000) / 20;
  }
  alarmAt() {
    return this.ctx.storage.getAlarm();
  }
  /** Counts the RPCs. */
  exchange(requests, resp) {
    this.carried = (this.carried ?? 0) + 1;
    return super.exchange(requests, resp);
  }
  carriedUntilNow() {
    return this.carried ?? 0;
  }
}

/** Its settings are those that its name says. */
export class Odd extends RedisObject {
  constructor(ctx, env) {
    super(ctx, env, { config: JSON.parse(ctx.id.name) });
  }
}

/** It uses the engine in its constructor. */
export class Booted extends RedisObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.boots = this.engine.incr('boots');
  }
  count() {
    return [this.boots, this.engine.get('boots')];
  }
  die() {
    this.ctx.abort('as if the machine had gone');
  }
}

/** Its storage takes its time, and fails when the journal speaks of `fail`. */
export class Slow extends RedisObject {
  constructor(ctx, env) {
    const pieces = [];
    super(ctx, env, {
      storage: {
        load: () => [],
        sizes: () => ({ base: 0, journal: 0 }),
        begin: () => ({ write() {}, commit() {}, abort() {} }),
        async append(bytes) {
          await sleep(100);
          if (new TextDecoder().decode(bytes).includes('fail')) throw new Error('the disk is full');
          pieces.push(bytes);
        },
      },
    });
    this.pieces = pieces;
  }
  written() {
    return this.pieces.length;
  }
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const stubOf = (env, name) => env.CACHE.get(env.CACHE.idFromName(name));
/** Ends the object's life; the next call begins another. */
async function evict(env, name) {
  await stubOf(env, name).die().catch(() => {});
}
async function rejected(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

export const cases = {
  'calls of one turn are one RPC, in their order': async (env) => {
    const store = connect(env.CACHE, 'batch');
    const replies = await Promise.all([store.set('k', 1), store.incr('k'), store.incrby('k', 5n), store.get('k'), store.call('strlen', 'k')]);
    equal(replies, ['OK', 2, 7, '7', 1]);
    equal(await stubOf(env, 'batch').carriedUntilNow(), 1);
    equal(await store.mget('k', 'none'), ['7', null]);
    equal(await stubOf(env, 'batch').carriedUntilNow(), 2);
  },

  'replies and errors are those of the engine': async (env) => {
    const store = connect(env.CACHE, 'replies');
    await store.hset('h', { f: 'v', n: 2 });
    equal(await store.hGetAll('h'), { f: 'v', n: '2' });
    equal(await store.set('k', 'v', { EX: 60, nx: true }), 'OK');
    equal(await store.bytes.get('k'), new Uint8Array([118]));
    const [error, after] = await Promise.allSettled([store.incr('k'), store.get('k')]);
    equal([error.reason.name, error.reason.message, error.reason.code, error.reason.command], ['ReplyError', 'ERR value is not an integer or out of range', 'ERR', 'incr']);
    equal(after.value, 'v');
    equal((await rejected(store.call('select', 1))).message, 'select: callers share one connection: use an object per database');
    equal((await rejected(store.monitor())).name, 'TypeError');
    equal((await rejected(store.set('k', undefined, 'EX', 60))).message.startsWith('set: argument 2: '), true);
  },

  'a transaction is whole or not at all': async (env) => {
    const store = connect(env.CACHE, 'multi');
    const [one, two, failed] = await store.multi().incr('a').set('b', 'x').incr('b').exec();
    equal([one, two, failed.message], [1, 'OK', 'ERR value is not an integer or out of range']);
    const error = await rejected(store.multi().incr('a').call('no-such').exec());
    equal([error.code, error.cause.message.startsWith("ERR unknown command 'NO-SUCH'")], ['EXECABORT', true]);
    equal(await store.get('a'), '1');
    const [piped, wrong] = await store.pipeline().incr('a').lpush('a', 1).exec();
    equal([piped, wrong.code], [2, 'WRONGTYPE']);
  },

  'a store over a WebSocket has what needs a connection': async (env) => {
    const store = await Store.open({ host: objectHost(env.CACHE, 'store') });
    equal(await store.set('k', 1), 'OK');
    const seen = [];
    const live = store.live(['GET', 'k']);
    const watching = (async () => {
      for await (const value of live) if (seen.push(value) === 2) break;
    })();
    await sleep(50);
    equal(await connect(env.CACHE, 'store').incr('k'), 2);
    await watching;
    equal(seen, ['1', '2']);
    equal(await store.transaction(async (tx) => {
      await tx.watch('k');
      return tx.multi().set('k', Number(await tx.get('k')) + 40).get('k');
    }), ['OK', '42']);
    store.close();
  },

  'a call that waits is woken by another, and by time': async (env) => {
    const store = connect(env.CACHE, 'waits');
    const waiting = store.blpop('queue', 5);
    await sleep(20);
    equal(await store.rpush('queue', 'job'), 1);
    equal(await waiting, ['queue', 'job']);
    const before = Date.now();
    equal(await store.blpop('queue', 0.2), null);
    const took = Date.now() - before;
    equal(took >= 190 && took < 2000, true, `it took ${took} ms`);
    equal(await store.exists('queue'), 0);
  },

  'methods of a class that extends it are kept too': async (env) => {
    const stub = stubOf(env, 'extended');
    equal([await stub.hit('/'), await stub.hit('/')], [1, 2]);
    await evict(env, 'extended');
    equal(await connect(env.CACHE, 'extended').get('hits:/'), '2');
  },

  'ten thousand keys with a TTL and a stream with a group outlive the object': async (env) => {
    const store = connect(env.CACHE, 'outlives');
    const sets = [];
    for (let i = 0; i < 10_000; i++) sets.push(store.set(`key:${i}`, `value ${i}`, { EX: 10_000 + i }));
    await Promise.all(sets);
    await store.xadd('s', '1-1', { a: 1 });
    await store.xadd('s', '2-1', { b: 2 });
    await store.xgroup('CREATE', 's', 'workers', 0);
    await store.xreadgroup('GROUP', 'workers', 'w1', 'COUNT', 1, 'STREAMS', 's', '>');
    await store.hset('h', { f: 'v' });
    await store.del('key:7');
    const binary = new Uint8Array(256).map((_, i) => i);
    await store.set(binary, binary);
    await store.functionLoad("#!lua name=lib\nredis.register_function('f', function() return 7 end)");
    const large = crypto.getRandomValues(new Uint8Array(60_000));
    await store.set('large', 'x'.repeat(5_000_000));
    await store.setrange('large', 2_500_000, large);
    const before = await stubOf(env, 'outlives').life();
    await evict(env, 'outlives');
    const life = await stubOf(env, 'outlives').life();
    equal(life === before, false, 'the object has lived on');
    equal(await store.dbsize(), 10_003);
    equal([await store.strlen('large'), await store.bytes.getrange('large', 2_500_000, 2_559_999)], [5_000_000, large]);
    const values = await Promise.all(Array.from({ length: 10_000 }, (_, i) => store.get(`key:${i}`)));
    equal(values.every((value, i) => value === (i === 7 ? null : `value ${i}`)), true);
    const ttl = await store.ttl('key:9999');
    equal(ttl > 19_900 && ttl <= 19_999, true, String(ttl));
    const [group] = await store.xinfo('GROUPS', 's');
    equal([group.name, group.pending, group['last-delivered-id']], ['workers', 1, '1-1']);
    equal(await store.xreadgroup('GROUP', 'workers', 'w1', 'STREAMS', 's', '>'), { s: [['2-1', ['b', '2']]] });
    equal(await store.bytes.get(binary), binary);
    equal(await store.fcall('f', 0), 7);
    const { largest } = await stubOf(env, 'outlives').rows();
    equal(largest <= 1 << 20, true, String(largest));
  },

  'what was deleted, flushed and evicted stays away': async (env) => {
    const store = connect(env.CACHE, 'gone');
    await Promise.all([store.set('a', 1), store.set('b', 2), store.rpush('l', 1, 2)]);
    await Promise.all([store.del('a'), store.ltrim('l', 1, 0)]);
    await evict(env, 'gone');
    equal((await store.keys('*')).sort(), ['b']);
    await Promise.all([store.set('before', 1), store.flushall(), store.set('after', 1)]);
    await evict(env, 'gone');
    equal(await store.keys('*'), ['after']);
    await store.eval("redis.call('SET', 'x', 1) redis.call('RENAME', 'after', 'y') return 1", 0);
    await evict(env, 'gone');
    equal((await store.keys('*')).sort(), ['x', 'y']);
  },

  'a long journal is written anew in pieces, and what changes meanwhile is there': async (env) => {
    const store = connect(env.CACHE, 'rewrite');
    // Redis's format packs what repeats itself.
    const large = Array.from(crypto.getRandomValues(new Uint8Array(50_000)), (byte) => byte.toString(16).padStart(2, '0')).join('');
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 25 }, (_, i) => store.set(`large:${i}`, `${round}${large}`)));
      await store.incr('rounds');
    }
    for (let i = 0; i < 500; i++) {
      await store.incr('meanwhile');
      await sleep(1);
      if ((await stubOf(env, 'rewrite').rows()).current > 0) break;
    }
    const { current, largest } = await stubOf(env, 'rewrite').rows();
    equal(current > 0, true, 'the journal was not written anew');
    equal(largest <= 1 << 20, true);
    const meanwhile = await store.get('meanwhile');
    await evict(env, 'rewrite');
    equal([await store.get('rounds'), await store.get('meanwhile'), await store.dbsize()], ['3', meanwhile, 27]);
    equal(await store.get('large:24'), `2${large}`);
  },

  'an alarm expires keys that nobody looks at': async (env) => {
    const store = connect(env.CACHE, 'alarm');
    await store.configSet('notify-keyspace-events', 'Ex');
    const heard = [];
    const stop = await store.subscribe('__keyevent@0__:expired', (message) => heard.push(message));
    await Promise.all(Array.from({ length: 300 }, (_, i) => store.set(`short:${i}`, 'v', { PX: 300 })));
    await store.set('long', 'v', { EX: 1000 });
    equal((await stubOf(env, 'alarm').alarmAt()) > 0, true);
    await sleep(2500);
    equal(heard.length, 300);
    stop();
    equal(await store.dbsize(), 1);
    const next = (await stubOf(env, 'alarm').alarmAt()) - Date.now();
    equal(next > 990_000 && next < 1_005_000, true, String(next));
  },

  'messages come to subscribers elsewhere': async (env) => {
    const store = connect(env.CACHE, 'news');
    const heard = [];
    const stop = await store.subscribe(['news', 'a/b'], (message, channel) => heard.push([channel, message]));
    const stopAll = await store.psubscribe('n*', (message, channel, pattern) => heard.push([pattern, channel, message]));
    equal(await store.publish('news', 'hello'), 2);
    equal(await store.publish('a/b', 'ü'), 1);
    await sleep(20);
    equal(heard.sort(), [['a/b', 'ü'], ['n*', 'news', 'hello'], ['news', 'hello']]);
    stop();
    stopAll();
    await sleep(50);
    equal(await store.publish('news', 'nobody'), 0);
  },

  'keys of a cluster are where their slots are': async (env) => {
    const cluster = new Cluster(env.CACHE, { name: 'cluster', shards: 4 });
    await Promise.all(Array.from({ length: 100 }, (_, i) => cluster.set(`k${i}`, i)));
    equal(await cluster.dbsize(), 100);
    equal((await cluster.keys('k*')).length, 100);
    const each = await Promise.all([0, 1, 2, 3].map((shard) => connect(env.CACHE, `cluster:${shard}/4`).dbsize()));
    equal(each.every((keys) => keys > 5), true, String(each));
    equal(await cluster.get('k42'), '42');
    equal(await cluster.mset({ '{u}:a': 1, '{u}:b': 2 }), 'OK');
    equal(await cluster.mget('{u}:a', '{u}:b'), ['1', '2']);
    for (const call of [() => cluster.mget('a', 'b'), () => cluster.del('a', 'b'), () => cluster.eval('return 1', 2, 'a', 'b'), () => cluster.zunionstore('a', 2, 'b', 'c')]) {
      const error = await rejected(call());
      equal([error.code, error.message], ['CROSSSLOT', "CROSSSLOT Keys in request don't hash to the same slot"]);
    }
    equal(await cluster.eval("return redis.call('GET', KEYS[1])", 1, '{u}:a'), '1');
    equal(await cluster.multi().incr('{u}:a').incr('{u}:b').exec(), [2, 3]);
    equal(await cluster.incr('{u}:a'), 3);
    equal((await rejected(cluster.multi().incr('a').incr('b').exec())).code, 'CROSSSLOT');
    const found = new Set();
    for await (const key of cluster.scan({ match: 'k*', count: 10 })) found.add(key);
    equal(found.size, 100);
    equal(await cluster.pipeline().get('k1').incr('{u}:a').get('k2').exec(), ['1', 4, '2']);
    const heard = [];
    const stop = await cluster.subscribe(['a', 'b', 'c', 'd'], (message, channel) => heard.push(`${channel}${message}`));
    await Promise.all(['a', 'b', 'c', 'd'].map((channel) => cluster.publish(channel, 1)));
    await sleep(50);
    stop();
    equal(heard.sort(), ['a1', 'b1', 'c1', 'd1']);
    const sha = await cluster.scriptLoad('return 5');
    equal(await Promise.all(Array.from({ length: 8 }, (_, i) => cluster.evalsha(sha, 1, `k${i}`))), Array(8).fill(5));
    equal(await cluster.flushall(), 'OK');
    equal(await cluster.dbsize(), 0);
  },

  'the constructor of a class that extends it has the data': async (env) => {
    const stub = () => env.BOOTED.get(env.BOOTED.idFromName('boots'));
    for (const boots of [1, 2, 3]) {
      equal(await stub().count(), [boots, String(boots)]);
      await stub().die().catch(() => {});
    }
  },

  'commands of several words go where their keys are, in a cluster too': async (env) => {
    const cluster = new Cluster(env.CACHE, { name: 'words', shards: 4 });
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    await Promise.all(keys.map((key) => cluster.xgroup('CREATE', key, 'g', '$', 'MKSTREAM')));
    equal(await Promise.all(keys.map((key) => cluster.type(key))), keys.map(() => 'stream'));
    equal(await Promise.all(keys.map((key) => cluster.call('OBJECT', 'ENCODING', key))), keys.map(() => 'stream'));
    equal(await Promise.all(keys.map(async (key) => (await cluster.xinfo('groups', key)).length)), keys.map(() => 1));
    equal((await cluster.pipeline().call('MEMORY', 'USAGE', 'a').call('MEMORY', 'USAGE', 'b').call('MEMORY', 'USAGE', 'c').exec()).every((bytes) => bytes > 0), true);
    equal(await cluster.multi().set('{a}n', 1).object('ENCODING', '{a}n').exec(), ['OK', 'int']);
    equal((await rejected(cluster.multi().set('a', 1).call('XGROUP', 'DESTROY', 'b', 'g').exec())).code, 'CROSSSLOT');
  },

  'messages of a transaction and events of keys reach their subscribers in a cluster': async (env) => {
    const cluster = new Cluster(env.CACHE, { name: 'told', shards: 4 });
    const heard = [];
    const channels = ['a', 'b', 'c', 'd'];
    const stop = await cluster.subscribe([...channels, '__keyevent@0__:set'], (message, channel) => heard.push(`${channel} ${message}`));
    equal(await cluster.pubsub('NUMSUB', ...channels, 'none'), [...channels.flatMap((channel) => [channel, 1]), 'none', 0]);
    equal((await cluster.pubsub('CHANNELS', '?')).sort(), channels);
    for (const channel of channels) equal(await cluster.multi().set(`{${channel}}`, 1).publish(channel, 'x').exec(), ['OK', 1]);
    equal((await rejected(cluster.multi().set('a', 1).publish('b', 'x').exec())).code, 'CROSSSLOT');
    await cluster.configSet('notify-keyspace-events', 'KEA');
    await Promise.all(channels.map((key) => cluster.set(key, 1)));
    for (let i = 0; i < 400 && heard.length < 8; i++) await sleep(5);
    stop();
    equal(heard.sort(), [...channels.map((key) => `__keyevent@0__:set ${key}`), ...channels.map((channel) => `${channel} x`)].sort());
  },

  'an object may end and begin again': async (env) => {
    const store = connect(env.CACHE, 'ends');
    await store.set('k', 'v', { EX: 100 });
    equal((await rejected(stubOf(env, 'ends').end())).message, 'deleted');
    equal([await store.dbsize(), await stubOf(env, 'ends').tables(), await stubOf(env, 'ends').alarmAt()], [0, null, null]);
    equal(await store.set('k', 'new'), 'OK');
    await evict(env, 'ends');
    equal([await store.get('k'), await store.ttl('k')], ['new', -1]);
  },

  'settings that an object cannot have are refused': async (env) => {
    for (const [config, message] of [[{ databases: 16 }, 'databases: an object has one'], [{ requirepass: 'x' }, 'requirepass: callers by RPC']]) {
      const error = await rejected(connect(env.ODD, JSON.stringify(config)).set('k', 1));
      equal(error.message.includes(`config: ${message}`), true, error.message);
    }
    equal(await connect(env.ODD, JSON.stringify({ databases: 1, 'maxmemory-policy': 'allkeys-lru' })).set('k', 1), 'OK');
  },

  'who is subscribed is told that the object has gone': async (env) => {
    const cluster = new Cluster(env.CACHE, { name: 'lost', shards: 2 });
    let lost = 0;
    let stopped = 0;
    await cluster.psubscribe('*', () => {}, () => lost++);
    const stop = await cluster.subscribe(['a', 'b', 'c'], () => {}, () => stopped++);
    stop();
    const handler = toFetchHandler(cluster, { token: 'secret' });
    const reader = (await handler(new Request('https://x/subscribe/a/b/c/d?_token=secret'))).body.pipeThrough(new TextDecoderStream()).getReader();
    for (let told = ''; !told.includes('subscribe,d,4'); ) told += (await reader.read()).value;
    await Promise.all([0, 1].map((shard) => evict(env, `lost:${shard}/2`)));
    equal((await reader.read()).done, true);
    for (let i = 0; i < 400 && lost === 0; i++) await sleep(5);
    await sleep(20);
    equal([lost, stopped], [1, 0]);
    // The other half of what was subscribed is ended too.
    equal(await cluster.pubsub('NUMPAT'), 0);
  },

  'a path of a WebSocket that is none is refused': async (env) => {
    const response = await stubOf(env, 'paths').fetch('https://x/subscribe/%ff?_token=secret', { headers: { upgrade: 'websocket' } });
    equal([response.status, response.webSocket], [400, null]);
  },

  'an object that fails rejects the calls under way with a name': async (env) => {
    const store = connect(env.CACHE, 'fails');
    await store.set('k', 'kept');
    const waiting = rejected(store.blpop('q', 0));
    await sleep(20);
    await evict(env, 'fails');
    equal((await waiting).name, 'ConnectionLostError');
    equal(await store.get('k'), 'kept');
  },

  'replies wait for a storage that takes its time, and nothing is acknowledged that it refuses': async (env) => {
    const store = connect(env.SLOW, 'slow');
    const stub = env.SLOW.get(env.SLOW.idFromName('slow'));
    let replied = false;
    const set = store.set('k', 1).then((reply) => (replied = reply));
    await sleep(30);
    equal([replied, await stub.written()], [false, 0]);
    // A reader that sees the write waits for it too.
    equal(await connect(env.SLOW, 'slow').get('k'), '1');
    equal(await stub.written(), 1);
    await set;
    equal(replied, 'OK');
    const error = await rejected(store.set('fail', 1));
    equal([error.name, error.message.includes('the disk is full')], ['ConnectionLostError', true]);
    equal(await store.get('fail'), null);
  },

  'requests without a token get 401 and nothing else': async (env) => {
    const ask = (path, token, init = {}) => stubOf(env, 'rest').fetch(`https://rest${path}`, { ...init, headers: { ...init.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) } });
    equal(await (await ask('/set/k/v', 'secret')).json(), { result: 'OK' });
    for (const token of [undefined, 'wrong', 'secre', 'secrets', '']) {
      for (const path of ['/get/k', '/pipeline', '/resp', '/no/such']) {
        const response = await ask(path, token);
        equal(response.status, 401);
        await response.text();
      }
      const socket = await ask('/resp', token, { headers: { upgrade: 'websocket' } });
      equal([socket.status, socket.webSocket], [401, null]);
    }
    equal(await (await ask('/get/k', 'reader')).json(), { result: 'v' });
    equal((await ask('/set/k/w', 'reader')).status, 400);
    equal((await ask('/resp', 'reader', { headers: { upgrade: 'websocket' } })).status, 401);
    equal((await ask('/', 'secret', { method: 'POST', body: JSON.stringify(['SET', 'k', 'x'.repeat(2000)]) })).status, 413);
    equal((await ask('/', 'secret', { method: 'POST', body: JSON.stringify(['SET', 'k', 'x'.repeat(500)]) })).status, 200);
    await evict(env, 'rest');
    equal((await (await ask('/strlen/k', 'secret')).json()).result, 500);
  },

  "Upstash's REST protocol over all objects of a cluster": async (env) => {
    const cluster = new Cluster(env.CACHE, { name: 'rested', shards: 3 });
    const handler = toFetchHandler(cluster, { token: 'secret', readOnlyToken: 'reader' });
    const ask = async (path, body, token = 'secret', headers = {}) => {
      const response = await handler(new Request(`https://x${path}`, { method: 'POST', body: body && JSON.stringify(body), headers: { authorization: `Bearer ${token}`, ...headers } }));
      return [response.status, await response.json()];
    };
    const carried = async () => {
      const counts = await Promise.all([0, 1, 2].map((shard) => stubOf(env, `rested:${shard}/3`).carriedUntilNow()));
      return counts.reduce((sum, n) => sum + n);
    };
    // The order of the replies is that of the commands, and each object is asked once.
    const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
    equal(await ask('/pipeline', keys.map((key, i) => ['SET', key, i])), [200, keys.map(() => ({ result: 'OK' }))]);
    equal(await carried(), 3);
    equal(await ask('/pipeline', keys.map((key) => ['GET', key])), [200, keys.map((_, i) => ({ result: String(i) }))]);
    equal(await ask('/pipeline', [['LPUSH', 'k1', 1], ['MGET', 'k1', 'k2'], ['STRLEN', 'k3']]), [200, [
      { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' },
      { error: "CROSSSLOT Keys in request don't hash to the same slot" },
      { result: 1 },
    ]]);
    // Replies are as RESP2 has them.
    await ask('/', ['HSET', 'h', 'f', '1.5']);
    equal(await ask('/', ['HGETALL', 'h']), [200, { result: ['f', '1.5'] }]);
    await ask('/zadd/z/1.5/m');
    equal(await ask('/', ['ZRANGE', 'z', 0, -1, 'WITHSCORES']), [200, { result: ['m', '1.5'] }]);
    equal(await ask('/', ['ZSCORE', 'z', 'm']), [200, { result: '1.5' }]);
    equal(await ask('/', ['GET', 'k7'], 'secret', { 'upstash-encoding': 'base64' }), [200, { result: btoa('7') }]);
    // Commands of a container have keys of their own.
    equal(await ask('/', ['XGROUP', 'CREATE', 'x', 'g', '$', 'MKSTREAM']), [200, { result: 'OK' }]);
    equal(await ask('/', ['OBJECT', 'ENCODING', 'k5']), [200, { result: 'int' }]);
    // A transaction has one slot.
    equal(await ask('/multi-exec', [['INCR', '{u}:a'], ['INCRBY', '{u}:b', 5], ['LPUSH', '{u}:a', 1], ['HSET', '{u}:h', 'f', 'v'], ['HGETALL', '{u}:h']]), [200, [
      { result: 1 }, { result: 5 }, { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' }, { result: 1 }, { result: ['f', 'v'] },
    ]]);
    equal(await ask('/multi-exec', [['INCR', 'a'], ['INCR', 'b']]), [400, { error: "CROSSSLOT Keys in request don't hash to the same slot" }]);
    equal(await ask('/multi-exec', [['INCR', '{u}:a'], ['INCR']]), [400, { error: 'EXECABORT Transaction discarded because of previous errors.' }]);
    equal(await ask('/', ['GET', '{u}:a']), [200, { result: '1' }]);
    // What has no key goes everywhere.
    equal(await ask('/', ['DBSIZE']), [200, { result: 66 }]);
    const found = [];
    for (let cursor = '0'; ; ) {
      const [, { result }] = await ask('/', ['SCAN', cursor, 'COUNT', 20, 'WITHTYPE', 'MATCH', 'k*']);
      for (let i = 0; i < result[1].length; i += 2) found.push(`${result[1][i]} ${result[1][i + 1]}`);
      if ((cursor = result[0]) === '0') break;
    }
    equal(found.sort(), keys.map((key) => `${key} string`).sort());
    const [, { result: sha }] = await ask('/', ['SCRIPT', 'LOAD', 'return KEYS[1]']);
    equal(await ask('/pipeline', ['a', 'b', 'c', 'd'].map((key) => ['EVALSHA', sha, 1, key])), [200, ['a', 'b', 'c', 'd'].map((result) => ({ result }))]);
    // Who may do what.
    equal((await ask('/', ['GET', 'k1'], 'reader'))[0], 200);
    equal((await ask('/', ['SET', 'k1', 1], 'reader'))[0], 400);
    equal((await ask('/', ['GET', 'k1'], 'nobody'))[0], 401);
    for (const command of [['BLPOP', 'q', 0], ['MULTI'], ['multi|x'], ['client|kill', 'x'], ['get k1']]) equal((await ask('/', command))[0], 400, String(command));
    const raw = await handler(new Request('https://x/mget/{u}:a/{u}:none?_token=secret', { headers: { 'upstash-response-format': 'resp2' } }));
    equal(await raw.text(), '*2\r\n$1\r\n1\r\n$-1\r\n');
    // Messages, whichever object has the channel.
    const events = await handler(new Request('https://x/subscribe/one/two/three?_token=secret'));
    const reader = events.body.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    const until = async (text) => {
      while (!heard.includes(text)) heard += (await reader.read()).value;
    };
    await until('data: subscribe,three,3\n\n');
    for (const channel of ['one', 'two', 'three']) equal(await ask('/', ['PUBLISH', channel, `to ${channel}`]), [200, { result: 1 }]);
    for (const channel of ['one', 'two', 'three']) await until(`data: message,${channel},to ${channel}\n\n`);
    await reader.cancel();
    equal(await ask('/', ['FLUSHALL']), [200, { result: 'OK' }]);
    equal(await cluster.dbsize(), 0);
  },

  'memory has a limit that an isolate can hold': async (env) => {
    const store = connect(env.CACHE, 'limit');
    equal((await store.configGet('maxmemory')).maxmemory, String(64 << 20));
    equal((await rejected(store.call('swapdb', 0, 1))).message, 'ERR DB index is out of range');
  },
};

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, way, name] = url.pathname.split('/').map(decodeURIComponent);
    if (way === 'case') {
      try {
        await cases[name](env);
        return Response.json({ ok: true });
      } catch (error) {
        return Response.json({ ok: false, error: String(error?.stack ?? error) });
      }
    }
    if (way === 'names') return Response.json(Object.keys(cases));
    if (way === 'bench') return Response.json(await bench(env));
    if (way === 'rpc') return Response.json(await connect(env.CACHE, name).call(...(await request.json())));
    if (way === 'life') return new Response(await stubOf(env, name).life());
    if (way === 'rest') {
      const place = name === 'cluster' ? new Cluster(env.CACHE, { name: 'client', shards: 3 }) : connect(env.CACHE, name);
      url.pathname = url.pathname.split('/').slice(3).join('/');
      return toFetchHandler(place, { token: 'secret' })(new Request(url, request));
    }
    // The rest is an object's: /object/<name>/…
    url.pathname = url.pathname.split('/').slice(3).join('/');
    return stubOf(env, name).fetch(new Request(url, request));
  },
};

/** Microseconds per command: the least of thirty runs, since other things run beside; the clock has steps of a millisecond. */
async function bench(env) {
  const store = connect(env.CACHE, 'bench');
  const measure = async (count, rounds, call) => {
    let least = Infinity;
    for (let run = 0; run < 30; run++) {
      const begin = performance.now();
      for (let round = 0; round < rounds; round++) {
        const calls = [];
        for (let i = 0; i < count; i++) calls.push(call(i));
        await Promise.all(calls);
      }
      least = Math.min(least, ((performance.now() - begin) * 1000) / (count * rounds));
    }
    return Number(least.toFixed(2));
  };
  await measure(2000, 5, (i) => store.set(`key:${i}`, 'some value'));
  return {
    'get, 2000 at once': await measure(2000, 10, (i) => store.get(`key:${i}`)),
    'get, 100 at once': await measure(100, 100, (i) => store.get(`key:${i}`)),
    'get, 10 at once': await measure(10, 100, (i) => store.get(`key:${i}`)),
    'ping, 2000 at once': await measure(2000, 10, () => store.ping()),
    'set, 2000 at once': await measure(2000, 5, (i) => store.set(`key:${i}`, 'some value')),
    'set, 20,000 at once': await measure(20_000, 2, (i) => store.set(`key:${i}`, 'some value')),
    'incr, 20,000 at once': await measure(20_000, 1, () => store.incr('counter')),
    'get, one by one': await measure(1, 100, () => store.get('key:1')),
    'set, one by one': await measure(1, 5, () => store.set('key:1', 'v')),
    'a row of 70,000 bytes, made durable': await stubOf(env, 'bench').writes(70_000),
    'a row of 100 bytes, made durable': await stubOf(env, 'bench').writes(100),
  };
}
