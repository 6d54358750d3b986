/** Strings and their bits. */
import { eq, near, now } from './kit.mjs';

export default {
  // Strings.
  async set(redis) {
    eq(await redis.set('k', 'v'), 'OK');
    eq(await redis.set('k', { a: [1, 'x', null, { b: true }] }, { ex: 60 }), 'OK');
    eq(await redis.get('k'), { a: [1, 'x', null, { b: true }] });
    eq(await redis.ttl('k'), 60);
    eq(await redis.set('k', 'w', { nx: true }), null);
    eq(await redis.set('none', 'w', { xx: true }), null);
    eq(await redis.set('k', 7, { get: true, keepTtl: true }), { a: [1, 'x', null, { b: true }] });
    eq(await redis.ttl('k'), 60);
    eq(await redis.set('k', true, { px: 5000 }), 'OK');
    eq(await redis.get('k'), true);
    eq(await redis.set('k', 1.5, { exat: now() + 100 }), 'OK');
    near(await redis.ttl('k'), 100);
    eq(await redis.set('k', null, { pxat: Date.now() + 100_000 }), 'OK');
    eq(await redis.get('k'), null);
    eq(await redis.strlen('k'), 4);
  },
  async get(redis) {
    eq(await redis.get('none'), null);
    for (const value of ['text', 'grüße, 世界 🐦', '', '{"broken', 'a,b', 'OK', 'a\r\nb\0c', 42, -1.5, false, [1, [2, ['three']]], { deep: { deeper: [{}] } }]) {
      await redis.set('k', value);
      eq(await redis.get('k'), value);
    }
    await redis.set('big', '9007199254740993');
    eq(await redis.get('big'), '9007199254740993');
    await redis.set('zeros', '0012');
    eq(await redis.get('zeros'), '0012');
  },
  async append(redis) {
    eq([await redis.append('k', 'ab'), await redis.append('k', 'c'), await redis.get('k')], [2, 3, 'abc']);
  },
  async decr(redis) {
    eq([await redis.decr('n'), await redis.decr('n')], [-1, -2]);
  },
  async decrby(redis) {
    eq(await redis.decrby('n', 10), -10);
  },
  async incr(redis) {
    eq([await redis.incr('n'), await redis.incr('n')], [1, 2]);
    await redis.set('n', '9007199254740992');
    eq(String(await redis.incr('n')), '9007199254740993');
  },
  async incrby(redis) {
    eq(await redis.incrby('n', 40), 40);
  },
  async incrbyfloat(redis) {
    eq(await redis.incrbyfloat('n', 1.25), 1.25);
    eq(await redis.incrbyfloat('n', -1), 0.25);
  },
  async getdel(redis) {
    await redis.set('k', { a: 1 });
    eq([await redis.getdel('k'), await redis.getdel('k')], [{ a: 1 }, null]);
  },
  async getex(redis) {
    await redis.set('k', 'v');
    eq(await redis.getex('k', { ex: 50 }), 'v');
    eq(await redis.ttl('k'), 50);
    await redis.getex('k', { px: 70_000 });
    near(await redis.ttl('k'), 70);
    await redis.getex('k', { exat: now() + 20 });
    near(await redis.ttl('k'), 20);
    await redis.getex('k', { pxat: Date.now() + 90_000 });
    near(await redis.ttl('k'), 90);
    eq([await redis.getex('k', { persist: true }), await redis.ttl('k'), await redis.getex('none')], ['v', -1, null]);
  },
  async getrange(redis) {
    await redis.set('k', 'hello');
    eq([await redis.getrange('k', 1, 3), await redis.getrange('none', 0, -1)], ['ell', '']);
  },
  async getset(redis) {
    eq([await redis.getset('k', { a: 1 }), await redis.getset('k', 'b')], [null, { a: 1 }]);
  },
  async mget(redis) {
    await redis.mset({ a: 1, b: { c: 2 }, ok: 'OK' });
    eq(await redis.mget('a', 'none', 'b', 'ok'), [1, null, { c: 2 }, 'OK']);
    eq(await redis.mget(['a', 'none']), [1, null]);
  },
  async mset(redis) {
    eq(await redis.mset({ a: 'x', b: [1, 2] }), 'OK');
    eq(await redis.get('b'), [1, 2]);
  },
  async msetnx(redis) {
    eq([await redis.msetnx({ a: 1, b: 2 }), await redis.msetnx({ b: 3, c: 4 }), await redis.exists('c')], [1, 0, 0]);
  },
  async psetex(redis) {
    eq(await redis.psetex('k', 60_000, { a: 1 }), 'OK');
    near(await redis.ttl('k'), 60);
  },
  async setex(redis) {
    eq([await redis.setex('k', 60, [1]), await redis.get('k'), await redis.ttl('k')], ['OK', [1], 60]);
  },
  async setnx(redis) {
    eq([await redis.setnx('k', 'v'), await redis.setnx('k', 'w')], [1, 0]);
  },
  async setrange(redis) {
    await redis.set('k', 'Hello World');
    eq([await redis.setrange('k', 6, 'Redis'), await redis.get('k')], [11, 'Hello Redis']);
  },
  async strlen(redis) {
    await redis.set('k', 'wü');
    eq([await redis.strlen('k'), await redis.strlen('none')], [3, 0]);
  },
  // Bits.
  async setbit(redis) {
    eq([await redis.setbit('b', 7, 1), await redis.setbit('b', 7, 0)], [0, 1]);
  },
  async getbit(redis) {
    await redis.setbit('b', 7, 1);
    eq([await redis.getbit('b', 7), await redis.getbit('b', 100)], [1, 0]);
  },
  async bitcount(redis) {
    await redis.set('b', 'foobar');
    eq([await redis.bitcount('b'), await redis.bitcount('b', 0, 0), await redis.bitcount('b', 1, 1)], [26, 4, 6]);
  },
  async bitop(redis) {
    await redis.mset({ a: 'abc', b: 'ab' });
    eq([await redis.bitop('and', 'c', 'a', 'b'), await redis.bitop('not', 'd', 'a'), await redis.strlen('c')], [3, 3, 3]);
  },
  async bitpos(redis) {
    await redis.setbit('b', 10, 1);
    eq([await redis.bitpos('b', 1), await redis.bitpos('b', 1, 1), await redis.bitpos('b', 1, 0, 0)], [10, 10, -1]);
  },
  async bitfield(redis) {
    eq(await redis.bitfield('f').set('u4', '#0', 1).incrby('u4', '#0', 5).get('u4', '#0').overflow('FAIL').incrby('u4', '#0', 100).exec(), [0, 6, 6, null]);
  },
};
