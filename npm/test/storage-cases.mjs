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

/** A storage whose engine can be cut off from it, as when a process is killed: nothing more reaches it. */
function fused(kept) {
  let isCut = false;
  const guard = () => {
    if (isCut) throw new Error('cut off');
  };
  const base = (made) => ({
    write: async (piece) => (guard(), made.write(piece)),
    commit: async () => (guard(), made.commit()),
    abort: async () => isCut || made.abort(),
  });
  return {
    load: () => kept.load(),
    sizes: () => kept.sizes(),
    begin: () => (guard(), base(kept.begin())),
    append: async (bytes) => (guard(), kept.append(bytes)),
    close: async () => isCut || kept.close(),
    /** The storage is as it is, and free for others. */
    async cut() {
      isCut = true;
      await kept.close();
    },
  };
}

/** A storage that fails where `fault` gives an error, by what is done to it. */
function faulty(kept, fault) {
  const check = (what) => {
    const error = fault(what);
    if (error) throw error;
  };
  return {
    load: () => kept.load(),
    sizes: () => kept.sizes(),
    begin() {
      const base = kept.begin();
      return {
        write: async (piece) => (check('write'), base.write(piece)),
        commit: async () => (check('commit'), base.commit()),
        abort: () => base.abort(),
      };
    },
    append: async (bytes) => (check('append'), kept.append(bytes)),
    close: () => kept.close(),
  };
}

const quota = () => Object.assign(new Error('the quota has been exceeded'), { name: 'QuotaExceededError' });

function refusal(action) {
  try {
    action();
  } catch (error) {
    return error.message;
  }
  return undefined;
}

/** Bytes that do not get shorter. */
function noise(length) {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
}

/** Waits until something is so. */
async function until(isSo) {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
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
    const storage = fused(reopen());
    const engine = await Engine.open({ storage, durability: 'relaxed' });
    engine.set('k', 1);
    await engine.saved();
    engine.incr('k');
    await engine.saved();
    await storage.cut();
    const again = await Engine.open({ storage: reopen() });
    equal(again.get('k'), '2');
    await again.close();
    engine.free();
  },

  'a second engine is told that the first has it, or waits until it has not': async ({ Engine }, reopen) => {
    const engine = await Engine.open({ storage: reopen() });
    engine.set('k', 'first');
    const refused = await Engine.open({ storage: reopen({ wait: false }) }).catch((error) => error);
    equal(refused.name, 'StorageLockedError', String(refused));
    equal(/is in use by another engine: /.test(refused.message), true, refused.message);
    engine.append('k', ' and more');
    const waiting = reopen({ wait: true });
    // The same object twice is a mistake, not a race.
    const second = waiting.shares ? undefined : Engine.open({ storage: waiting });
    await engine.close();
    const again = await (second ?? Engine.open({ storage: reopen() }));
    equal(again.get('k'), 'first and more');
    await again.close();
    equal(await Engine.open({ storage: reopen({ wait: false }) }).then((last) => last.close()), undefined);
  },

  'an engine that was refused an object takes nothing from the one that has it': async ({ Engine }, reopen) => {
    const storage = reopen();
    if (storage.shares) return;
    const engine = await Engine.open({ storage });
    const refused = await Engine.open({ storage }).catch((error) => error);
    equal(refused.name, 'StorageLockedError', String(refused));
    equal((await Engine.open({ storage: reopen({ wait: false }) }).catch((error) => error)).name, 'StorageLockedError');
    engine.set('k', 1);
    await engine.close();
    const again = await Engine.open({ storage });
    equal(again.get('k'), '1');
    await again.close();
  },

  'an engine that could not be opened has let go': async ({ Engine }, reopen) => {
    const kept = reopen();
    const broken = { load: () => kept.load(), sizes: () => kept.sizes(), begin: () => kept.begin(), append: () => undefined, close: () => kept.close() };
    broken.load = async function* () {
      yield* kept.load();
      throw new Error('no');
    };
    equal(await Engine.open({ storage: broken }).catch((error) => error.message), 'no');
    const engine = await Engine.open({ storage: reopen({ wait: false }) });
    await engine.close();
  },

  'a base is written in pieces while the engine works, and is the data set as it was': async ({ Engine }, reopen) => {
    const kept = reopen();
    let pieces = 0;
    let turns = 0;
    const storage = faulty(kept, (what) => void (what === 'write' && pieces++));
    const config = { 'enable-debug-command': 'yes' };
    const engine = await Engine.open({ storage, config });
    const value = noise(20_000);
    for (let i = 0; i < 200; i++) engine.set(`large:${i}`, value);
    fill(engine);
    await engine.saved();
    const compacted = engine.compact();
    let timer;
    // What changes meanwhile is in the journal behind it.
    const change = () => {
      turns++;
      engine.set(`large:${turns % 200}`, `changed ${turns}`);
      engine.rpush('turns', turns);
      engine.del('large:199');
      timer = setTimeout(change, 0);
    };
    change();
    await compacted;
    clearTimeout(timer);
    equal(pieces > 3, true, `${pieces} pieces:`);
    equal(turns > 3, true, `${turns} turns:`);
    await engine.saved();
    const wanted = engine.call('DEBUG', 'DIGEST');
    const { base } = storage.sizes();
    equal(base > 200 * value.length, true, `a base of ${base}:`);
    await engine.close();
    const again = await Engine.open({ storage: reopen(), config });
    equal(again.call('DEBUG', 'DIGEST'), wanted);
    equal(again.llen('turns'), turns);
    await again.close();
  },

  'wherever a new base breaks off, the old one and the journal are whole': async ({ Engine }, reopen) => {
    const engine = await Engine.open({ storage: reopen() });
    fill(engine);
    await engine.compact();
    engine.set('behind', 1);
    await engine.close();
    for (const [at, nth] of [['write', 1], ['write', 2], ['commit', 1]]) {
      for (const isCrash of [false, true]) {
        let seen = 0;
        const fuse = fused(reopen());
        const storage = faulty(fuse, (what) => {
          if (what !== at || ++seen !== nth) return undefined;
          if (isCrash) void fuse.cut();
          return quota();
        });
        const broken = await Engine.open({ storage });
        if (at === 'write' && nth === 2) broken.set('large', noise(2 << 20));
        await broken.saved();
        const error = await broken.compact().catch((error) => error.message);
        equal(error, 'the quota has been exceeded', `${at} ${nth}:`);
        // The journal goes on, and is not refused.
        if (!isCrash) {
          broken.incr('behind');
          await broken.close();
        } else {
          await fuse.cut();
          broken.free();
        }
        const again = await Engine.open({ storage: reopen() });
        again.del('large');
        equal(Number(again.get('behind')) > 0, true);
        again.rename('behind', 'kept');
        again.del('kept');
        check(again);
        again.set('behind', 1);
        await again.compact();
        await again.close();
      }
    }
  },

  'while it fails writes are refused as Redis refuses them, and it recovers by itself': async ({ Engine }, reopen) => {
    let isFull = false;
    const storage = faulty(reopen(), (what) => (isFull && what === 'append' ? quota() : undefined));
    const engine = await Engine.open({ storage });
    engine.set('k', 1);
    await engine.saved();
    isFull = true;
    // The engine has it; what promises it is held back.
    const connection = engine.connect();
    let got = '';
    connection.onData((bytes) => (got += new TextDecoder().decode(bytes)));
    connection.write('INCR k\r\n');
    equal(await engine.saved().catch((error) => error.name), 'QuotaExceededError');
    equal(refusal(() => engine.incr('k')), 'MISCONF Errors writing to the AOF file: the quota has been exceeded');
    equal([engine.get('k'), got], ['2', '']);
    connection.write('INCR k\r\nGET k\r\n');
    isFull = false;
    await until(() => refusal(() => engine.set('other', 1)) === undefined);
    await until(() => got !== '');
    equal(got, ':2\r\n-MISCONF Errors writing to the AOF file: the quota has been exceeded\r\n$1\r\n2\r\n');
    await engine.close();
    const again = await Engine.open({ storage: reopen() });
    equal(again.mget('k', 'other'), ['2', '1']);
    await again.close();
  },

  'one that fails to the end says so, and lets go': async ({ Engine }, reopen) => {
    const storage = faulty(reopen(), (what) => (what === 'append' ? quota() : undefined));
    const engine = await Engine.open({ storage });
    engine.set('k', 1);
    equal(await engine.close().catch((error) => error.message), 'the quota has been exceeded');
    const again = await Engine.open({ storage: reopen({ wait: false }) });
    equal(again.get('k'), null);
    await again.close();
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
      await run(exports, (options) => make(own, options));
      passed++;
    } catch (error) {
      failed.push(`${name}: ${error.stack ?? error}`);
    }
  }
  return { passed, failed };
}
