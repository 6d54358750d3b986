/**
 * What must hold for a store wherever its engine lives: one list, run for each place by a few lines.
 *
 * A case gets `open`, which opens a store on an empty engine, and the package's exports.
 */
import { same } from './cases.mjs';

const show = (value) => (value instanceof Error ? String(value) : JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))) ?? String(value);

export function equal(got, wanted, what = '') {
  if (!same(got, wanted)) throw new Error(`${what} expected ${show(wanted)}, got ${show(got)}`);
}

async function rejects(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The next value, or an error after a second. */
export function soon(promise, what = 'nothing came') {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(what)), 2000)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const cases = {
  'the methods of an engine, with promises': async ({ open }) => {
    const store = await open();
    equal(await store.set('k', 'v', { EX: 6000 }), 'OK');
    equal(await store.get('k'), 'v');
    const ttl = await store.ttl('k');
    equal(ttl > 5900 && ttl <= 6000, true, `a TTL of ${ttl}:`);
    equal(await store.hSet('h', { a: 1, b: 2 }), 2);
    equal(await store.hgetall('h'), { a: '1', b: '2' });
    equal(await store.zadd('z', 1.5, 'one'), 1);
    equal(await store.zrange('z', 0, -1, { WITHSCORES: true }), [['one', 1.5]]);
    equal(await store.call('CONFIG', 'GET', 'maxmemory-policy'), { 'maxmemory-policy': 'noeviction' });
    equal(await store.sendCommand(['INCRBY', 'n', 2n ** 60n]), 2n ** 60n);
    equal(await store.get('none'), null);
  },

  'calls of a turn are run in their order': async ({ open }) => {
    const store = await open();
    const replies = await Promise.all(Array.from({ length: 1000 }, () => store.incr('n')));
    equal(replies, Array.from({ length: 1000 }, (_, i) => i + 1));
  },

  'bytes go in and come out, few and many': async ({ open }) => {
    const store = await open();
    // Around where ports and readers do something else with them.
    for (const size of [0, 1, 15, 16, 17, 40, 64, 65, 300, 500, 512, 513, 4096, 5000, 3 << 20]) {
      const value = Uint8Array.from({ length: size }, (_, i) => i * 7);
      await store.set('k', value);
      equal(value.length, size, 'what was given is still there:');
      equal(await store.bytes.get('k'), value);
      equal(await store.strlen('k'), size);
    }
    equal(await store.bytes.call('GET', 'none'), null);
  },

  'errors are as Redis says them': async ({ open, ReplyError }) => {
    const store = await open();
    await store.set('k', 'v');
    const error = await rejects(store.incr('k'));
    equal(error instanceof ReplyError, true);
    equal([error.message, error.code, error.command], ['ERR value is not an integer or out of range', 'ERR', 'incr']);
    const wrong = await rejects(store.set('k', undefined, 'EX', 60));
    equal([wrong instanceof TypeError, wrong.message.startsWith('set: argument 2: ')], [true, true]);
    const refused = await rejects(store.call('WATCH', 'k'));
    equal(refused.message, "watch: callers of a store share one connection: use transaction()");
    equal((await rejects(store.call('client', 'reply', 'off'))) instanceof TypeError, true);
    equal(await store.get('k'), 'v');
  },

  'what waits does not keep others waiting': async ({ open }) => {
    const store = await open();
    const popped = store.blpop('q', 5);
    const read = store.xread({ BLOCK: 5000, STREAMS: ['s', '$'] });
    equal(await store.set('k', 1), 'OK');
    while (!(await store.info('clients')).includes('blocked_clients:2\r\n')) await pause(5);
    await store.rpush('q', 'job');
    equal(await soon(popped), ['q', 'job']);
    await store.xadd('s', '1-1', { f: 'v' });
    equal(await soon(read), { s: [['1-1', ['f', 'v']]] });
    equal(await soon(store.blpop('q', 0.01)), null);
  },

  'what ends sooner does not wait for what ends later': async ({ open }) => {
    const store = await open();
    const long = store.blpop('q', 30).catch(() => undefined);
    equal(await soon(store.blpop('other', 0.01)), null);
    await store.call('CONFIG', 'SET', 'notify-keyspace-events', 'Ex');
    const expired = store.psubscribe('__keyevent@*__:expired');
    await store.ping();
    await store.set('k', 'v', { PX: 20 });
    equal((await soon(expired.next())).value.message, 'k');
    await expired.return();
    await store.call('CONFIG', 'SET', 'notify-keyspace-events', '');
    await store.rpush('q', 'job');
    equal(await soon(long), ['q', 'job']);
  },

  'a pipeline gives all replies, errors among them': async ({ open, ReplyError }) => {
    const store = await open();
    const [ok, error, value] = await store.pipeline().set('k', 'v').incr('k').call('GET', 'k').exec();
    equal([ok, error instanceof ReplyError, value], ['OK', true, 'v']);
    equal(await store.pipeline().exec(), []);
  },

  'a transaction is run as one': async ({ open, ReplyError }) => {
    const store = await open();
    const other = store.set('n', 10);
    equal(await store.multi().set('n', 1).incr('n').hset('h', { a: 1 }).hgetall('h').exec(), ['OK', 2, 1, { a: '1' }]);
    await other;
    equal(await store.multi().sendCommand(['GET', 'n'], true).exec(), [new Uint8Array([50])]);
    const error = await rejects(store.multi().set('n').exec());
    equal([error instanceof ReplyError, error.code], [true, 'EXECABORT']);
    equal(error.cause.message, "ERR wrong number of arguments for 'set' command");
  },

  'a transaction that watched is tried again': async ({ open }) => {
    const store = await open();
    await store.set('n', 1);
    let tries = 0;
    const replies = await store.transaction(async (tx) => {
      await tx.watch('n');
      const n = Number(await tx.get('n'));
      if (++tries === 1) await store.set('n', 5);
      return tx.multi().set('n', n * 2).get('n');
    });
    equal([tries, replies], [2, ['OK', '10']]);
    equal(await store.transaction(async (tx) => Number(await tx.get('n')) + 1), 11);
    equal((await rejects(store.transaction(() => { throw new Error('mine'); }))).message, 'mine');
  },

  'messages come to functions and to for await': async ({ open }) => {
    const store = await open();
    const heard = [];
    const stop = await store.subscribe('news', (message, channel) => heard.push([message, channel]));
    const feed = store.psubscribe(['n*', 'x*']);
    equal(await store.publish('news', 'one'), 2);
    equal(await soon(feed.next()), { value: { message: 'one', channel: 'news', pattern: 'n*' }, done: false });
    stop();
    await store.publish('news', 'two');
    await store.publish('xyz', 'three');
    const rest = [];
    for await (const { message } of feed) {
      rest.push(message);
      if (rest.length === 2) break;
    }
    equal(rest, ['two', 'three']);
    equal(heard, [['one', 'news']]);
    equal(await store.publish('news', 'nobody'), 0);
    equal(await store.publish('xyz', 'nobody'), 0);
  },

  'a function that listens twice is ended once': async ({ open }) => {
    const store = await open();
    let heard = 0;
    const listener = () => void heard++;
    const [first, second] = [await store.subscribe('twice', listener), await store.subscribe('twice', listener)];
    const feed = store.subscribe('twice');
    await store.publish('twice', 'a');
    await soon(feed.next());
    equal(heard, 2);
    first();
    first();
    await store.publish('twice', 'b');
    await soon(feed.next());
    equal(heard, 3);
    second();
    await feed.return();
  },

  'scan walks without a cursor': async ({ open }) => {
    const store = await open();
    await store.mset(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i])));
    const seen = new Set();
    for await (const key of store.scan({ match: 'k1*', count: 5 })) seen.add(key);
    equal([...seen].sort(), ['k1', 'k10', 'k11', 'k12', 'k13', 'k14', 'k15', 'k16', 'k17', 'k18', 'k19']);
    const [cursor, keys] = await store.scan(0, { COUNT: 1000 });
    equal([cursor, keys.length], ['0', 50]);
    await store.hset('h', { a: 1, b: 2 });
    const fields = [];
    for await (const pair of store.hscan('h')) fields.push(pair);
    equal(fields.sort(), [['a', '1'], ['b', '2']]);
    await store.zadd('z', 2.5, 'm');
    for await (const pair of store.zScan('z', { match: '*' })) equal(pair, ['m', 2.5]);
  },

  'a database is chosen for all that follows': async ({ open }) => {
    const store = await open();
    await store.set('k', 'zero');
    await store.select(3);
    equal(await store.get('k'), null);
    await store.rpush('q', 'x');
    equal(await store.blpop('q', 1), ['q', 'x']);
    await store.select(0);
    equal(await store.blpop('q', 0.01), null);
    equal(await store.get('k'), 'zero');
  },

  'a live query gives the reply, and again when it is another one': async ({ open }) => {
    const store = await open();
    await store.zadd('board', 5, 'Ada');
    const query = store.live(['ZREVRANGE', 'board', 0, 9, 'WITHSCORES']);
    equal((await soon(query.next())).value, [['Ada', 5]]);
    const next = query.next();
    await store.set('other', 1);
    await store.zadd('board', 7, 'Lin');
    equal((await soon(next)).value, [['Lin', 7], ['Ada', 5]]);
    // Many changes while nobody looks are one.
    for (let i = 0; i < 100; i++) await store.zincrby('board', 1, 'Ada');
    equal((await soon(query.next())).value, [['Ada', 105], ['Lin', 7]]);
    await store.zadd('board', 7, 'Lin');
    const last = query.next();
    await pause(20);
    await store.del('board');
    equal((await soon(last)).value, []);
    await query.return();
    equal((await query.next()).done, true);
  },

  'a live query sees what expires, what is flushed, and several keys': async ({ open }) => {
    const store = await open();
    await store.set('k', 'v', { PX: 400 });
    const query = store.live(['MGET', 'k', 'l']);
    equal((await soon(query.next())).value, ['v', null]);
    const next = query.next();
    equal((await soon(next)).value, [null, null]);
    await store.set('l', 1);
    equal((await soon(query.next())).value, [null, '1']);
    await store.flushall();
    equal((await soon(query.next())).value, [null, null]);
    await query.return();
  },

  'the last state is never lost': async ({ open }) => {
    const store = await open();
    const query = store.live(['GET', 'n']);
    const seen = [];
    const reading = (async () => {
      for await (const value of query) {
        seen.push(value);
        if (value === '500') break;
      }
    })();
    const sets = [];
    for (let i = 1; i <= 500; i++) {
      sets.push(store.set('n', i));
      if (i % 7 === 0) await sets.at(-1);
    }
    await soon(reading, `the last seen was ${seen.at(-1)}`);
    // The query has a connection of its own, which may have seen the last one before this one hears of it.
    equal((await Promise.all(sets)).length, 500);
    equal(seen.at(-1), '500');
    equal(seen.length < 500, true);
  },

  'live queries share what they read, and refuse what writes': async ({ open }) => {
    const store = await open();
    const [a, b] = [store.live(['GET', 'k']), store.live(['STRLEN', 'k'])];
    equal([(await a.next()).value, (await b.next()).value], [null, 0]);
    const both = Promise.all([a.next(), b.next()]);
    await store.set('k', 'abc');
    equal((await soon(both)).map(({ value }) => value), ['abc', 3]);
    await a.return();
    const next = b.next();
    await store.append('k', 'd');
    equal((await soon(next)).value, 4);
    let error;
    try {
      store.live(['SET', 'k', 'v']);
    } catch (e) {
      error = e;
    }
    equal(error?.message, 'live: expected a command that only reads, got set');
    await store.lpush('list', 1);
    equal((await rejects(store.live(['GET', 'list']).next())).code, 'WRONGTYPE');
  },

  'what is wrong is told by a promise, and names the argument': async ({ open }) => {
    const store = await open();
    for (const [call, start] of [
      [() => store.set('k', new Date(0)), 'set: argument 2: '],
      [() => store.sendCommand('GET k'), 'sendCommand: argument 1: '],
      [() => store.pipeline().call('WATCH', 'k').exec(), 'watch: callers of a store share one connection: '],
      [() => store.transaction(5), 'transaction: argument 1: '],
      [() => store.live(['KEYS', '*']).next(), 'live: expected a command that names the keys it reads, got keys'],
    ]) {
      const error = await rejects(call());
      equal([error instanceof TypeError, error.message.startsWith(start)], [true, true], error.message);
    }
    equal(await store.dbsize(), 0);
  },

  'a closed store rejects what waits and what comes later': async ({ open, ConnectionLostError }) => {
    const store = await open();
    const waiting = rejects(store.blpop('q', 0));
    const feed = store.subscribe('c');
    const query = store.live(['GET', 'k']);
    await query.next();
    const next = query.next();
    await store.ping();
    store.close();
    for (const error of [await waiting, await rejects(store.get('k'))]) {
      equal([error instanceof ConnectionLostError, error.message], [true, 'the store was closed']);
    }
    equal([(await feed.next()).done, (await next).done], [true, true]);
  },
};

/** Runs all cases; `open` makes stores for one case, `after` is called behind each. */
export async function runStore(exports, open, after = () => {}) {
  const failed = [];
  for (const [name, test] of Object.entries(cases)) {
    const stores = [];
    try {
      await test({ ...exports, open: async () => {
        const store = await open();
        stores.push(store);
        await store.flushall();
        return store;
      } });
    } catch (error) {
      failed.push(`${name}: ${error?.message ?? error}`);
    }
    for (const store of stores) store.close();
    await after();
  }
  return { passed: Object.keys(cases).length - failed.length, failed };
}
