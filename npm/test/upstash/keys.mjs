/** Keys of any type. */
import assert from 'node:assert/strict';
import { eq, near, now, sorted } from './kit.mjs';

export default {
  async copy(redis) {
    await redis.set('a', 1);
    eq([await redis.copy('a', 'b'), await redis.copy('a', 'b'), await redis.copy('a', 'b', { replace: true })], ['COPIED', 'NOT_COPIED', 'COPIED']);
  },
  async del(redis) {
    await redis.mset({ a: 1, b: 1 });
    eq(await redis.del('a', 'b', 'c'), 2);
  },
  async exists(redis) {
    await redis.set('a', 1);
    eq(await redis.exists('a', 'a', 'b'), 2);
  },
  async expire(redis) {
    await redis.set('a', 1);
    eq([await redis.expire('a', 100), await redis.expire('a', 200, 'NX'), await redis.expire('a', 50, 'LT'), await redis.ttl('a'), await redis.expire('b', 1)], [1, 0, 1, 50, 0]);
  },
  async expireat(redis) {
    await redis.set('a', 1);
    eq([await redis.expireat('a', now() + 100), await redis.expireat('a', now() + 50, 'GT')], [1, 0]);
    near(await redis.ttl('a'), 100);
  },
  async keys(redis) {
    await redis.mset({ 'user:1': 1, 'user:2': 2, other: 3 });
    eq(sorted(await redis.keys('user:*')), ['user:1', 'user:2']);
  },
  async persist(redis) {
    await redis.set('a', 1, { ex: 10 });
    eq([await redis.persist('a'), await redis.persist('a')], [1, 0]);
  },
  async pexpire(redis) {
    await redis.set('a', 1);
    eq([await redis.pexpire('a', 50_000), await redis.pexpire('a', 90_000, 'XX'), await redis.pexpire('none', 1)], [1, 1, 0]);
  },
  async pexpireat(redis) {
    await redis.set('a', 1);
    eq(await redis.pexpireat('a', Date.now() + 50_000), 1);
  },
  async pttl(redis) {
    await redis.set('a', 1, { px: 50_000 });
    near(await redis.pttl('a'), 50_000, 5000);
    eq(await redis.pttl('none'), -2);
  },
  async ttl(redis) {
    await redis.set('a', 1);
    eq([await redis.ttl('a'), await redis.ttl('none')], [-1, -2]);
  },
  async randomkey(redis) {
    eq(await redis.randomkey(), null);
    await redis.set('only', 1);
    eq(await redis.randomkey(), 'only');
  },
  async rename(redis) {
    await redis.set('a', 1);
    eq([await redis.rename('a', 'b'), await redis.get('b')], ['OK', 1]);
    await assert.rejects(redis.rename('a', 'b'), /ERR no such key/);
  },
  async renamenx(redis) {
    await redis.mset({ a: 1, b: 2 });
    eq([await redis.renamenx('a', 'b'), await redis.renamenx('a', 'c')], [0, 1]);
  },
  async touch(redis) {
    await redis.set('a', 1);
    eq(await redis.touch('a', 'b'), 1);
  },
  async type(redis) {
    await redis.lpush('l', 1);
    eq([await redis.type('l'), await redis.type('none')], ['list', 'none']);
  },
  async unlink(redis) {
    await redis.mset({ a: 1, b: 1 });
    eq(await redis.unlink('a', 'b', 'c'), 2);
  },
  async scan(redis) {
    await redis.mset(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key:${i}`, i])));
    await redis.lpush('list', 1);
    const walk = async (options) => {
      const found = [];
      let cursor = '0';
      do {
        const [next, keys] = await redis.scan(cursor, options);
        assert.equal(typeof next, 'string');
        found.push(...keys);
        cursor = next;
      } while (cursor !== '0');
      return found;
    };
    eq((await walk({ match: 'key:*', count: 7 })).length, 50);
    eq(await walk({ type: 'list' }), ['list']);
    eq(await walk({ match: 'list', withType: true }), [{ key: 'list', type: 'list' }]);
    eq((await walk({ withType: true, count: 9 })).length, 51);
  },
};
