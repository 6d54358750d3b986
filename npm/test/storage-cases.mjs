/**
 * What must hold of every storage: each case gets the package's exports and a function that opens the same
 * storage anew, as another page or process would.
 */
import { same } from './cases.mjs';

function equal(got, wanted, what = '') {
  if (!same(got, wanted)) throw new Error(`${what} expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
}

/** All that a fixture has: 10,000 keys with a TTL, every type, a stream with a group, a function. */
export function fill(engine) {
  for (let i = 0; i < 10_000; i++) engine.set(`key:${i}`, `value ${i}`, { EX: 3600 });
  engine.hset('hash', { name: 'redstart', weight: 15 });
  engine.rpush('list', 'a', 'b', 'c');
  engine.sadd('set', 'x', 'y');
  engine.zadd('board', 12, 'Ada', 7, 'Lin');
  engine.call('XGROUP', 'CREATE', 'events', 'workers', '$', 'MKSTREAM');
  for (let i = 1; i <= 100; i++) engine.xadd('events', `${i}-1`, { n: i });
  engine.call('XREADGROUP', 'GROUP', 'workers', 'w1', 'COUNT', 10, 'STREAMS', 'events', '>');
  engine.xack('events', 'workers', '3-1');
  engine.eval('redis.call("SET", KEYS[1], "by a script")', 1, 'script');
  engine.call('FUNCTION', 'LOAD', '#!lua name=lib\nredis.register_function("one", function() return 1 end)');
  engine.select(3);
  engine.set('elsewhere', 'yes');
  engine.select(0);
  engine.set('gone', 'x');
  engine.del('gone');
}

export function check(engine) {
  equal(engine.dbsize(), 10_006, 'keys:');
  for (let i = 0; i < 10_000; i += 7) equal(engine.get(`key:${i}`), `value ${i}`);
  const ttl = engine.ttl('key:9999');
  equal(ttl > 3000 && ttl <= 3600, true, `a TTL of ${ttl}:`);
  equal(engine.hgetall('hash'), { name: 'redstart', weight: '15' });
  equal(engine.lrange('list', 0, -1), ['a', 'b', 'c']);
  equal([...engine.smembers('set')].sort(), ['x', 'y']);
  equal(engine.zrange('board', 0, -1), ['Lin', 'Ada']);
  equal(engine.xlen('events'), 100);
  equal(engine.call('XPENDING', 'events', 'workers')[0], 9, 'pending:');
  equal(engine.get('script'), 'by a script');
  equal(engine.call('FCALL', 'one', 0), 1);
  engine.select(3);
  equal(engine.get('elsewhere'), 'yes');
  engine.select(0);
}

export const storageCases = {
  'what was saved is there again': async ({ Engine }, reopen) => {
    const engine = await Engine.open({ storage: reopen() });
    fill(engine);
    check(engine);
    await engine.close();
    const again = await Engine.open({ storage: reopen() });
    check(again);
    await again.close();
  },

  'a new base replaces the journal, and what comes behind it counts': async ({ Engine }, reopen) => {
    const storage = reopen();
    const engine = await Engine.open({ storage });
    fill(engine);
    await engine.saved();
    const long = storage.sizes().journal;
    const compacted = engine.compact();
    engine.select(3);
    engine.set('during', 'x');
    await compacted;
    engine.set('after', 'x');
    await engine.saved();
    const { base, journal } = storage.sizes();
    equal(base > 0 && journal > 0 && journal < long / 10, true, JSON.stringify({ base, journal, long }));
    engine.del('during', 'after');
    await engine.close();
    const again = await Engine.open({ storage: reopen() });
    check(again);
    await again.close();
  },

  'without a close, all that was said to be saved is there': async ({ Engine }, reopen) => {
    const engine = await Engine.open({ storage: reopen(), durability: 'relaxed' });
    engine.set('k', 1);
    await engine.saved();
    engine.incr('k');
    await engine.saved();
    const again = await Engine.open({ storage: reopen() });
    equal(again.get('k'), '2');
    again.free();
    engine.free();
  },

  'a connection gets its reply when it is saved': async ({ Engine }, reopen) => {
    const kept = reopen();
    let appended = 0;
    const storage = {
      load: () => kept.load(),
      sizes: () => kept.sizes(),
      begin: () => kept.begin(),
      append: async (bytes) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await kept.append(bytes);
        appended++;
      },
      close: () => kept.close?.(),
    };
    const engine = await Engine.open({ storage });
    const connection = engine.connect();
    const got = new Promise((resolve) => connection.onData((bytes) => resolve([new TextDecoder().decode(bytes), appended])));
    let early = true;
    void got.then(() => (early = false));
    connection.write('SET k v\r\n');
    equal([engine.get('k'), early], ['v', true]);
    equal(await got, ['+OK\r\n', 1]);
    await engine.close();
  },

  'what cannot be saved is tried again, and then saved whole': async ({ Engine }, reopen) => {
    const kept = reopen();
    let broken = true;
    const storage = {
      load: () => kept.load(),
      sizes: () => kept.sizes(),
      begin: () => kept.begin(),
      append: async (bytes) => {
        if (broken) throw new Error('the disk is full');
        await kept.append(bytes);
      },
      close: () => kept.close?.(),
    };
    const engine = await Engine.open({ storage });
    engine.set('k', 'first');
    let reason;
    await engine.saved().catch((error) => (reason = error.message));
    equal(reason, 'the disk is full');
    broken = false;
    await engine.saved();
    engine.append('k', ' and second');
    await engine.close();
    const again = await Engine.open({ storage: reopen() });
    equal(again.get('k'), 'first and second');
    await again.close();
  },
};

/** Runs the cases on storages that `make` gives by a name of their own. */
export async function runStorageCases(exports, make) {
  const failed = [];
  let passed = 0;
  for (const [name, run] of Object.entries(storageCases)) {
    const own = `case-${passed + failed.length}-${Math.floor(performance.now() * 1000)}`;
    try {
      await run(exports, () => make(own));
      passed++;
    } catch (error) {
      failed.push(`${name}: ${error.stack ?? error}`);
    }
  }
  return { passed, failed };
}
