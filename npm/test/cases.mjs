/**
 * What must hold in every runtime: one list of cases, run by a file of two lines per runtime.
 *
 * A case gets the package's exports and `equal`, and throws if it fails. No test framework is needed.
 */

/** Structural equality; bytes are compared as bytes. */
export function same(a, b) {
  if (Object.is(a, b)) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length && a.every((x, i) => x === b[i]);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

const show = (value) => (typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)) ?? String(value)));

/** Throws if the two differ. */
export function equal(got, wanted, what = '') {
  if (!same(got, wanted)) throw new Error(`${what} expected ${show(wanted)}, got ${show(got)}`);
}

function throws(action) {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

const bytes = (...list) => new Uint8Array(list);
const text = (value) => new TextDecoder().decode(value);

export const cases = {
  'a string is set and read': async ({ Engine }) => {
    const engine = await Engine.open();
    equal(engine.set('k', 'v'), 'OK');
    equal(engine.get('k'), 'v');
    equal(engine.get('none'), null);
    engine.free();
  },

  'openSync works once the module is there': async ({ Engine }) => {
    await Engine.open();
    const engine = Engine.openSync();
    equal(engine.ping(), 'PONG');
  },

  'engines are apart': async ({ Engine }) => {
    const [a, b] = [await Engine.open(), await Engine.open()];
    a.set('k', 1);
    equal(b.get('k'), null);
  },

  'options come as an object in either case, or as words': async ({ Engine }) => {
    const engine = await Engine.open();
    for (const options of [[{ EX: 60 }], [{ ex: 60 }], ['EX', 60], [{ px: 60_000, nx: false }]]) {
      engine.set('k', 'v', ...options);
      equal(engine.ttl('k'), 60);
    }
    equal(engine.set('k', 'w', { NX: true }), null);
    equal(engine.set('k', 'w', { xx: true, GET: true, keepttl: true }), 'v');
    equal(engine.set('k', 'w', undefined), 'OK');
    engine.set('k', 'v', new Map([['ex', 60]]));
    equal(engine.ttl('k'), 60);
    engine.set('k', 'v', ['PX', 4000]);
    equal(engine.ttl('k'), 4);
    equal(engine.zadd('z', { CH: true, nx: true }, 1, 'a', [2, 'b']), 2);
    equal(engine.zrangebyscore('z', '-inf', '+inf', { limit: [1, 1], withscores: true }), [['b', 2]]);
  },

  'fields with their values come as objects and as Maps': async ({ Engine }) => {
    const engine = await Engine.open();
    equal(engine.hset('h', { a: 1 }, new Map([['b', 2]])), 2);
    equal(engine.hgetall('h'), { a: '1', b: '2' });
    equal(engine.mset({ Kept: 'as', it: 'is' }), 'OK');
    equal(engine.msetex(2, { 'k:a': 1, 'k:b': 2 }, { EX: 60 }), 1);
    equal([engine.mget('Kept', 'it', 'k:a', 'k:b'), engine.ttl('k:b')], [['as', 'is', '1', '2'], 60]);
    engine.hsetex('e', { ex: 60 }, 'FIELDS', 1, { f: 'v' });
    equal(engine.hgetall('e'), { f: 'v' });
    engine.xadd('s', { MAXLEN: ['~', 100] }, '1-1', { field: 'value' });
    equal(engine.xrange('s', '-', '+'), [['1-1', ['field', 'value']]]);
    engine.configSet({ 'maxmemory-policy': 'allkeys-lru' });
    equal(engine.configGet('maxmemory-policy'), { 'maxmemory-policy': 'allkeys-lru' });
  },

  'call and sendCommand take any command': async ({ Engine }) => {
    const engine = await Engine.open();
    equal(engine.call('SET', 'k', 'v', { EX: 60 }), 'OK');
    equal(engine.sendCommand(['get', 'k']), 'v');
    equal(engine.call('config get', 'maxmemory-policy'), { 'maxmemory-policy': 'noeviction' });
    equal(engine.call('CONFIG', 'GET', 'maxmemory-policy'), { 'maxmemory-policy': 'noeviction' });
    equal(throws(() => engine.call('NOSUCH', 'a')).message, "ERR unknown command 'NOSUCH', with args beginning with: 'a' ");
  },

  'names of commands may be in camelCase': async ({ Engine }) => {
    const engine = await Engine.open();
    equal(engine.incrBy('n', 5), 5);
    equal(engine.hSet('h', { a: 1 }), 1);
    equal(engine.hGetAll('h'), { a: '1' });
    equal(engine.lPush('l', 'a'), 1);
    equal(engine.objectEncoding('n'), 'int');
    equal(engine.configGet('maxmemory-policy'), { 'maxmemory-policy': 'noeviction' });
    // As node-redis spells them.
    engine.zAdd('z', 1, 'a');
    equal(engine.zPopMax('z'), ['a', 1]);
    equal([engine.setNX('x', 1), engine.pTTL('x'), engine.dbSize(), engine.clientGetName()], [1, -1, 4, null]);
  },

  'text is UTF-8 on the way in and out': async ({ Engine }) => {
    const engine = await Engine.open();
    for (const value of ['', 'é', 'ü€😀', '😀'.repeat(100), 'a'.repeat(63) + 'é', 'a'.repeat(5000), 'é'.repeat(5000)]) {
      engine.set('kéy', value);
      equal(engine.get('kéy'), value);
      equal(engine.strlen('kéy'), new TextEncoder().encode(value).length);
    }
    engine.set('k', 'a\ud800b');
    equal(engine.get('k'), 'a\ufffdb');
    engine.set('k', '\udc00'.repeat(70));
    equal(engine.get('k'), '\ufffd'.repeat(70));
  },

  'bytes go in and come out as they are': async ({ Engine }) => {
    const engine = await Engine.open();
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    engine.set(bytes(0, 255), all);
    equal(engine.bytes.get(bytes(0, 255)), all);
    equal(engine.bytes.get('none'), null);
    equal(engine.bytes.mget([bytes(0, 255)]), [all]);
    equal(engine.bytes.call('GET', bytes(0, 255)), all);
    engine.set('k', new Uint16Array([1]).buffer);
    equal(engine.bytes.get('k'), bytes(1, 0));
  },

  'numbers': async ({ Engine }) => {
    const engine = await Engine.open();
    equal(engine.set('n', 41), 'OK');
    equal(engine.incr('n'), 42);
    equal(engine.get('n'), '42');
    equal(engine.set('n', 2n ** 62n), 'OK');
    equal(engine.incr('n'), 2n ** 62n + 1n);
    equal(engine.decrby('n', 2n ** 62n), 1);
    equal(engine.decr('m'), -1);
    equal(engine.set('n', Number.MAX_SAFE_INTEGER), 'OK');
    equal(engine.decr('n'), Number.MAX_SAFE_INTEGER - 1);
    equal(engine.incrbyfloat('f', 0.5), '0.5');
  },

  'replies say what they are': async ({ Engine }) => {
    const engine = await Engine.open();
    equal(engine.hset('h', { f: 'v', n: 2 }), 2);
    equal(engine.hset('h', 'x', 'y', 'z', 3), 2);
    equal(engine.hgetall('h'), { f: 'v', n: '2', x: 'y', z: '3' });
    equal(engine.hget('h', 'f'), 'v');
    equal(engine.mset({ a: 1, b: bytes(50) }), 'OK');
    equal(engine.mget('a', ['b', 'c']), ['1', '2', null]);
    equal(engine.mset(new Map([['a', 3]])), 'OK');
    equal(engine.get('a'), '3');
    equal(engine.sadd('s', ['x', 'y']), 2);
    equal(engine.smembers('s').sort(), ['x', 'y']);
    equal(engine.zadd('z', 1.5, 'one', 'inf', 'two'), 2);
    equal(engine.zscore('z', 'one'), 1.5);
    equal(engine.zscore('z', 'two'), Infinity);
    equal(engine.zrange('z', 0, -1, { WITHSCORES: true }), [['one', 1.5], ['two', Infinity]]);
    equal(engine.zadd('z', { xx: true, incr: true }, 1, 'one'), 2.5);
    equal(engine.rpush('l', 'a', 'b'), 2);
    equal(engine.lrange('l', 0, -1), ['a', 'b']);
    engine.hset('p', '__proto__', 'v');
    equal(Object.entries(engine.hgetall('p')), [['__proto__', 'v']]);
  },

  'an error reply is thrown with its text and code': async ({ Engine, ReplyError }) => {
    const engine = await Engine.open();
    engine.set('k', 'v');
    const error = throws(() => engine.incr('k'));
    equal(error instanceof ReplyError, true);
    equal(error.message, 'ERR value is not an integer or out of range');
    equal(error.code, 'ERR');
    equal(error.command, 'incr');
    equal(throws(() => engine.lpush('k', 'x')).code, 'WRONGTYPE');
    equal(throws(() => engine.get('a', 'b')).message, "ERR wrong number of arguments for 'get' command");
    equal(engine.get('k'), 'v');
  },

  'a wrong argument is told before anything is sent': async ({ Engine }) => {
    const engine = await Engine.open();
    for (const wrong of [undefined, null, true, Symbol('s')]) {
      const error = throws(() => engine.set('k', wrong, 'EX', 60));
      equal(error instanceof TypeError, true);
      equal(error.message.startsWith('set: argument 2: '), true, error.message);
    }
    equal(engine.exists('k'), 0);
    const message = (call) => {
      const error = throws(call);
      equal(error instanceof TypeError, true, String(error));
      return error.message;
    };
    const expected = 'expected a string, a number or bytes, got';
    equal(message(() => engine.set('k', new Date(0))), `set: argument 2: ${expected} an object (Date)`);
    equal(message(() => engine.set('k', { EX: true })), `set: argument 2: ${expected} an object`);
    equal(message(() => engine.set('k', 'v', { EX: {} })), `set: argument 3 (EX): ${expected} an object`);
    equal(message(() => engine.set('k', 'v', new Date(0))), `set: argument 3: ${expected} an object (Date)`);
    equal(message(() => engine.sadd('s', new Set(['a']))), `sadd: argument 2: ${expected} an object (Set)`);
    equal(message(() => engine.del({ a: true })), `del: argument 1: ${expected} an object`);
    equal(message(() => engine.hset('h', { a: null })), `hset: argument 2 (a): ${expected} null`);
    equal(message(() => engine.hset('h', 'f', undefined)), `hset: argument 3: ${expected} undefined`);
    equal(message(() => engine.eval('return 1', 0, { a: 1 })), `eval: argument 3: ${expected} an object`);
    equal(message(() => engine.sendCommand('GET k')).startsWith('sendCommand: argument 1: '), true);
    equal(message(() => engine.call(5)).startsWith('call: argument 1: '), true);
    equal(message(() => engine.exchange('PING')).startsWith('exchange: argument 1: '), true);
    equal(throws(() => engine.advance('10')).message, 'advance: argument 1: expected milliseconds, got 10');
    equal(message(() => engine.live(['DBSIZE'])), 'live: expected a command that names the keys it reads, got dbsize');
    equal(message(() => engine.live(['XREAD', 'BLOCK', 0, 'STREAMS', 's', '$'])), 'live: expected a command that does not wait, got xread with BLOCK');
    equal(engine.dbsize(), 0);
  },

  'integers are numbers as long as a number can hold them': async ({ Engine }) => {
    const engine = await Engine.open();
    for (const n of [2n ** 53n - 1n, 2n ** 53n - 20n, 1n - 2n ** 53n, 1_700_000_000_000_000n]) {
      engine.set('n', n);
      equal(engine.incrby('n', 0), Number(n));
    }
    for (const n of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
      engine.set('n', n);
      equal(engine.incrby('n', 0), n);
    }
  },

  'a transaction replies in one list, errors among the rest': async ({ Engine, ReplyError }) => {
    const engine = await Engine.open();
    engine.call('MULTI');
    equal(engine.set('k', 'v'), 'QUEUED');
    equal(engine.incr('k'), 'QUEUED');
    const [ok, error] = engine.exec();
    equal(ok, 'OK');
    equal(error instanceof ReplyError, true);
    equal(engine.get('k'), 'v');
  },

  'keys expire when the clock is put forward': async ({ Engine }) => {
    const engine = await Engine.open();
    engine.set('k', 'v', { PX: 1000 });
    engine.advance(999);
    engine.set('other', 1);
    engine.advance(2);
    equal(engine.get('k'), null);
    equal(engine.get('other'), '1');
  },

  'an engine with a clock of its own is the same each time': async ({ Engine }) => {
    const run = async () => {
      let time = 1_700_000_000_000;
      const engine = await Engine.open({ seed: new Uint8Array(32).fill(7), clock: { now: () => time } });
      engine.sadd('s', ...Array.from({ length: 50 }, (_, i) => `m${i}`));
      engine.set('k', 'v', { EXAT: 1_700_000_010 });
      time += 5_000;
      const replies = [engine.pttl('k'), engine.spop('s', 5), engine.srandmember('s'), engine.time()];
      engine.free();
      return replies;
    };
    const first = await run();
    equal(first[0], 5_000);
    equal(await run(), first);
  },

  'a blocking command that would wait replies at once': async ({ Engine }) => {
    const engine = await Engine.open();
    equal(engine.blpop('q', 0), null);
    engine.rpush('q', 'x');
    equal(engine.blpop('q', 0), ['q', 'x']);
  },

  'settings are given as options and checked': async ({ Engine }) => {
    const engine = await Engine.open({ config: { 'maxmemory-policy': 'allkeys-lru', databases: 4 } });
    equal(engine.configGet('maxmemory-policy'), { 'maxmemory-policy': 'allkeys-lru' });
    equal(throws(() => engine.select(4)).message, 'ERR DB index is out of range');
    const wrong = await Engine.open({ config: { 'no-such': 1 } });
    equal(throws(() => wrong.ping()).message.includes('no-such'), true);
    const wrongs = {
      seed: bytes(1), config: 'maxmemory', clock: {}, snapshot: 'dump.rdb', storage: {}, durability: 'often', journal: 1, log: 'x', maxmemory: 1,
    };
    for (const [name, value] of Object.entries(wrongs)) {
      let error;
      try {
        (await Engine.open({ [name]: value })).ping();
      } catch (e) {
        error = e;
      }
      equal([error instanceof TypeError, name === 'maxmemory' ? error.message : error.message.startsWith(`${name}: expected `)], [true, name === 'maxmemory' ? 'unknown option: maxmemory' : true]);
    }
  },

  'memory over the limit is refused, not taken': async ({ Engine }) => {
    const engine = await Engine.open({ config: { maxmemory: '4mb' } });
    const value = 'x'.repeat(100_000);
    let error;
    for (let i = 0; i < 100 && !error; i++) {
      try {
        engine.set(`k${i}`, value);
      } catch (e) {
        error = e;
      }
    }
    equal(error?.code, 'OOM');
    equal(engine.report().usedMemory < 5_000_000, true, show(engine.report()));
    engine.flushall();
    equal(engine.set('k', value), 'OK');
  },

  'messages reach those who subscribed': async ({ Engine }) => {
    const engine = await Engine.open();
    const heard = [];
    const stop = engine.subscribe('news', (message, channel) => heard.push([message, channel]));
    const stopAll = engine.psubscribe(['n*'], (message, channel, pattern) => heard.push([message, channel, pattern]));
    equal(engine.publish('news', 'hello'), 2);
    equal(heard, [['hello', 'news'], ['hello', 'news', 'n*']]);
    stop();
    equal(engine.publish('news', 'again'), 1);
    stopAll();
    equal(engine.publish('news', 'nobody'), 0);
    equal(heard.length, 3);
    equal(engine.get('k'), null, 'commands work while subscribed:');
  },

  'a connection speaks RESP': async ({ Engine }) => {
    const engine = await Engine.open();
    const connection = engine.connect();
    let got = '';
    connection.write('PING\r\n');
    connection.onData((data) => (got += text(data)));
    equal(got, '+PONG\r\n');
    connection.write(new TextEncoder().encode('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhe'));
    equal(engine.get('k'), null);
    connection.write('llo\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n');
    equal(got, '+PONG\r\n+OK\r\n$5\r\nhello\r\n');
    equal(engine.get('k'), 'hello');
    let closed = 0;
    connection.onClose(() => closed++);
    connection.write('QUIT\r\n');
    equal([got.endsWith('+OK\r\n'), closed, connection.isOpen], [true, 1, false]);
  },

  'a blocked connection is woken by a call, and by time': async ({ Engine }) => {
    const engine = await Engine.open();
    const [a, b] = [engine.connect(), engine.connect()];
    let [gotA, gotB] = ['', ''];
    a.onData((data) => (gotA += text(data)));
    b.onData((data) => (gotB += text(data)));
    a.write('BLPOP q 0\r\n');
    b.write('BLPOP other 5\r\n');
    equal([gotA, gotB], ['', '']);
    engine.rpush('q', 'x');
    equal(gotA, '*2\r\n$1\r\nq\r\n$1\r\nx\r\n');
    engine.advance(5_001);
    equal(gotB, '*-1\r\n');
    a.close();
    b.close();
    equal(engine.report().connections, 1);
  },

  'connections and calls publish to each other': async ({ Engine }) => {
    const engine = await Engine.open();
    const connection = engine.connect();
    let got = '';
    connection.onData((data) => (got += text(data)));
    const heard = [];
    engine.subscribe('to-us', (message) => heard.push(message));
    connection.write('PUBLISH to-us hi\r\n');
    equal(heard, ['hi']);
    got = '';
    connection.write('SUBSCRIBE to-them\r\n');
    got = '';
    equal(engine.publish('to-them', 'hello'), 1);
    equal(got, '*3\r\n$7\r\nmessage\r\n$7\r\nto-them\r\n$5\r\nhello\r\n');
  },

  'a connection is a pair of streams': async ({ Engine }) => {
    if (typeof ReadableStream === 'undefined') return;
    const engine = await Engine.open();
    const { readable, writable } = engine.connect().streams();
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode('ECHO hi\r\n'));
    const reader = readable.getReader();
    equal(text((await reader.read()).value), '$2\r\nhi\r\n');
    await writer.close();
    equal((await reader.read()).done, true);
  },

  'values larger than the buffers': async ({ Engine }) => {
    const engine = await Engine.open();
    const large = new Uint8Array(5 << 20).fill(120);
    engine.set('large', large);
    equal(engine.bytes.get('large').length, large.length);
    equal(engine.get('large').length, large.length);
    equal(engine.rpush('l', ...Array.from({ length: 10_000 }, (_, i) => `item ${i}`)), 10_000);
    equal(engine.lrange('l', 0, -1).length, 10_000);
    equal(engine.set('small', 'v'), 'OK');
  },

  'a connection that ends is replaced': async ({ Engine }) => {
    const engine = await Engine.open();
    engine.set('k', 'v');
    engine.select(3);
    equal(engine.quit(), 'OK');
    equal(engine.get('k'), 'v');
    engine.hset('h', { a: 1 });
    equal(engine.reset(), 'RESET');
    equal(engine.hgetall('h'), { a: '1' });
  },

  'a freed engine says so': async ({ Engine, EngineDeadError }) => {
    const engine = await Engine.open();
    engine.set('k', 'v');
    const connection = engine.connect();
    engine[Symbol.dispose ?? 'free'] ? engine.free() : engine.free();
    const error = throws(() => engine.get('k'));
    equal(error instanceof EngineDeadError, true);
    equal(error.message, 'the engine was freed');
    equal(connection.isOpen, false);
  },

  'a trap ends one engine and is told': async ({ Engine, EngineDeadError }) => {
    const [engine, other] = [await Engine.open(), await Engine.open()];
    engine.set('k', 'v');
    other.set('k', 'v');
    // What a panic ends in, from the outside.
    engine.native.call = () => {
      throw new WebAssembly.RuntimeError('unreachable');
    };
    const first = throws(() => engine.get('k'));
    equal(first instanceof EngineDeadError, true);
    equal(first.cause instanceof WebAssembly.RuntimeError, true);
    equal(throws(() => engine.get('k')) instanceof EngineDeadError, true);
    equal(other.get('k'), 'v');
  },

  'its timer goes off for what is first, whatever it was set for': async ({ Engine }) => {
    const engine = await Engine.open();
    const heard = (bytes) => new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing came')), 5000);
      connection.onData((data) => (clearTimeout(late), resolve(String.fromCharCode(...data))));
      connection.write(bytes);
    });
    const connection = engine.connect();
    engine.connect().write('BLPOP q 1000\r\n');
    equal(await heard('BLPOP q 0.01\r\n'), '*-1\r\n');
    // What time is put forward by is not waited for.
    const soon = heard('BLPOP q 900\r\n');
    engine.advance(899_980);
    equal(await soon, '*-1\r\n');
    // And for a key that a call has set.
    engine.call('CONFIG', 'SET', 'notify-keyspace-events', 'Ex');
    const expired = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('it did not expire')), 5000);
      engine.psubscribe('__keyevent@0__:expired', (key) => (clearTimeout(late), resolve(key)));
    });
    engine.set('k', 'v', { PX: 20 });
    equal(await expired, 'k');
    engine.free();
  },

  'an engine that nobody freed does not stop others from opening': async ({ Engine }) => {
    for (let i = 0; i < 50; i++) {
      const engine = await Engine.open();
      engine.set('k', i);
    }
  },
};

/** Runs all cases; the names of those that failed with their errors. */
export async function runAll(exports, report = () => {}) {
  const failed = [];
  for (const [name, test] of Object.entries(cases)) {
    try {
      await test(exports);
      report(name);
    } catch (error) {
      failed.push(`${name}: ${error?.message ?? error}`);
    }
  }
  return { passed: Object.keys(cases).length - failed.length, failed };
}
