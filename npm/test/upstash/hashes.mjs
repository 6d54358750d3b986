/** Hashes, and fields that expire. */
import { eq, near, now, sorted } from './kit.mjs';

export default {
  // Hashes.
  async hset(redis) {
    eq([await redis.hset('h', { a: 1, b: { c: [2] }, d: 'x' }), await redis.hset('h', { a: 2, e: true })], [3, 1]);
  },
  async hget(redis) {
    await redis.hset('h', { a: 1, b: { c: [2] }, s: 'text' });
    eq([await redis.hget('h', 'a'), await redis.hget('h', 'b'), await redis.hget('h', 's'), await redis.hget('h', 'none')], [1, { c: [2] }, 'text', null]);
  },
  async hgetall(redis) {
    await redis.hset('h', { a: 1, b: { c: [2] }, s: 'text', big: '9007199254740993' });
    eq(await redis.hgetall('h'), { a: 1, b: { c: [2] }, s: 'text', big: '9007199254740993' });
    eq(await redis.hgetall('none'), null);
  },
  async hdel(redis) {
    await redis.hset('h', { a: 1, b: 2 });
    eq(await redis.hdel('h', 'a', 'c'), 1);
  },
  async hexists(redis) {
    await redis.hset('h', { a: 1 });
    eq([await redis.hexists('h', 'a'), await redis.hexists('h', 'b')], [1, 0]);
  },
  async hincrby(redis) {
    eq(await redis.hincrby('h', 'n', 5), 5);
  },
  async hincrbyfloat(redis) {
    eq(await redis.hincrbyfloat('h', 'n', 1.5), 1.5);
  },
  async hkeys(redis) {
    await redis.hset('h', { a: 1, b: 2 });
    eq([sorted(await redis.hkeys('h')), await redis.hkeys('none')], [['a', 'b'], []]);
  },
  async hlen(redis) {
    await redis.hset('h', { a: 1, b: 2 });
    eq(await redis.hlen('h'), 2);
  },
  async hmget(redis) {
    await redis.hset('h', { a: 1, b: { c: 2 } });
    eq(await redis.hmget('h', 'a', 'none', 'b'), { a: 1, none: null, b: { c: 2 } });
    eq(await redis.hmget('none', 'a', 'b'), null);
  },
  async hmset(redis) {
    eq(await redis.hmset('h', { a: 1, b: 2 }), 'OK');
  },
  async hrandfield(redis) {
    await redis.hset('h', { a: { x: 1 } });
    eq([await redis.hrandfield('h'), await redis.hrandfield('h', 2), await redis.hrandfield('h', 1, true), await redis.hrandfield('none')], ['a', ['a'], { a: { x: 1 } }, null]);
  },
  async hscan(redis) {
    await redis.hset('h', { a: 1, b: 'x' });
    const [cursor, pairs] = await redis.hscan('h', 0, { match: '*', count: 10 });
    eq([cursor, pairs.length, pairs[pairs.indexOf('b') + 1]], ['0', 4, 'x']);
  },
  async hsetnx(redis) {
    eq([await redis.hsetnx('h', 'a', 1), await redis.hsetnx('h', 'a', 2)], [1, 0]);
  },
  async hstrlen(redis) {
    await redis.hset('h', { a: 'four' });
    eq(await redis.hstrlen('h', 'a'), 4);
  },
  async hvals(redis) {
    await redis.hset('h', { a: 1, b: { c: 2 } });
    eq(await redis.hvals('h'), [1, { c: 2 }]);
  },
  // Fields that expire.
  async hexpire(redis) {
    await redis.hset('h', { a: 1, b: 2 });
    eq([await redis.hexpire('h', 'a', 100), await redis.hexpire('h', ['a', 'b', 'c'], 50, 'NX')], [[1], [0, 1, -2]]);
  },
  async hexpireat(redis) {
    await redis.hset('h', { a: 1 });
    eq(await redis.hexpireat('h', 'a', now() + 100), [1]);
  },
  async hexpiretime(redis) {
    await redis.hset('h', { a: 1, b: 1 });
    const at = now() + 100;
    await redis.hexpireat('h', 'a', at);
    eq(await redis.hexpiretime('h', ['a', 'b', 'c']), [at, -1, -2]);
  },
  async httl(redis) {
    await redis.hset('h', { a: 1 });
    await redis.hexpire('h', 'a', 100);
    eq(await redis.httl('h', 'a'), [100]);
  },
  async hpexpire(redis) {
    await redis.hset('h', { a: 1 });
    eq(await redis.hpexpire('h', ['a'], 100_000, 'GT'), [0]);
    eq(await redis.hpexpire('h', 'a', 100_000), [1]);
  },
  async hpexpireat(redis) {
    await redis.hset('h', { a: 1 });
    eq(await redis.hpexpireat('h', 'a', Date.now() + 100_000), [1]);
  },
  async hpexpiretime(redis) {
    await redis.hset('h', { a: 1 });
    const at = Date.now() + 100_000;
    await redis.hpexpireat('h', 'a', at);
    eq(await redis.hpexpiretime('h', 'a'), [at]);
  },
  async hpttl(redis) {
    await redis.hset('h', { a: 1 });
    await redis.hpexpire('h', 'a', 100_000);
    near((await redis.hpttl('h', 'a'))[0], 100_000, 5000);
  },
  async hpersist(redis) {
    await redis.hset('h', { a: 1 });
    await redis.hexpire('h', 'a', 100);
    eq([await redis.hpersist('h', 'a'), await redis.hpersist('h', ['a', 'b'])], [[1], [-1, -2]]);
  },
  async hgetdel(redis) {
    await redis.hset('h', { a: 1, b: { c: 2 } });
    eq([await redis.hgetdel('h', 'a', 'b', 'none'), await redis.hgetdel('h', 'a')], [{ a: 1, b: { c: 2 }, none: null }, null]);
  },
  async hgetex(redis) {
    await redis.hset('h', { a: 1, b: 2 });
    eq(await redis.hgetex('h', { ex: 100 }, 'a', 'none'), { a: 1, none: null });
    eq(await redis.httl('h', ['a', 'b']), [100, -1]);
    await redis.hgetex('h', { persist: true }, 'a');
    eq(await redis.httl('h', 'a'), [-1]);
  },
  async hsetex(redis) {
    eq(await redis.hsetex('h', { expiration: { ex: 100 } }, { a: 1, b: { c: 2 } }), 1);
    eq([await redis.hget('h', 'b'), await redis.httl('h', 'a')], [{ c: 2 }, [100]]);
    eq(await redis.hsetex('h', { conditional: 'FNX', expiration: { keepttl: true } }, { a: 2 }), 0);
  },
};
