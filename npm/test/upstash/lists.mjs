/** Lists and sets. */
import assert from 'node:assert/strict';
import { eq, sorted } from './kit.mjs';

export default {
  // Lists.
  async lpush(redis) {
    eq([await redis.lpush('l', 'a', { b: 1 }), await redis.lrange('l', 0, -1)], [2, [{ b: 1 }, 'a']]);
  },
  async lpushx(redis) {
    await redis.lpush('l', 1);
    eq([await redis.lpushx('l', 2, 3), await redis.lpushx('none', 1)], [3, 0]);
  },
  async rpush(redis) {
    eq([await redis.rpush('l', 'a', 2, [3]), await redis.lrange('l', 0, -1)], [3, ['a', 2, [3]]]);
  },
  async rpushx(redis) {
    eq(await redis.rpushx('none', 1), 0);
  },
  async lindex(redis) {
    await redis.rpush('l', 'a', { b: 1 });
    eq([await redis.lindex('l', -1), await redis.lindex('l', 5)], [{ b: 1 }, null]);
  },
  async linsert(redis) {
    await redis.rpush('l', 'a', 'c');
    eq([await redis.linsert('l', 'before', 'c', 'b'), await redis.linsert('l', 'after', 'x', 'y'), await redis.lrange('l', 0, -1)], [3, -1, ['a', 'b', 'c']]);
  },
  async llen(redis) {
    await redis.rpush('l', 1, 2);
    eq(await redis.llen('l'), 2);
  },
  async lmove(redis) {
    await redis.rpush('l', 'a', 'b');
    eq([await redis.lmove('l', 'm', 'right', 'left'), await redis.lmove('none', 'm', 'left', 'left')], ['b', null]);
  },
  async lmpop(redis) {
    await redis.rpush('l', 'a', 'b', 'c');
    eq([await redis.lmpop(2, ['none', 'l'], 'LEFT', 2), await redis.lmpop(1, ['none'], 'RIGHT')], [['l', ['a', 'b']], null]);
  },
  async lpop(redis) {
    await redis.rpush('l', { a: 1 }, 2, 3);
    eq([await redis.lpop('l'), await redis.lpop('l', 5), await redis.lpop('l')], [{ a: 1 }, [2, 3], null]);
  },
  async rpop(redis) {
    await redis.rpush('l', 1, 2, 3);
    eq([await redis.rpop('l'), await redis.rpop('l', 2), await redis.rpop('none', 2)], [3, [2, 1], null]);
  },
  async lpos(redis) {
    await redis.rpush('l', 'a', 'b', 'a', 'c', 'a');
    eq([await redis.lpos('l', 'a'), await redis.lpos('l', 'a', { rank: -1, count: 2, maxLen: 4 }), await redis.lpos('l', 'x')], [0, [4, 2], null]);
  },
  async lrange(redis) {
    await redis.rpush('l', 1, 'two', { three: 3 }, [4]);
    eq([await redis.lrange('l', 1, 2), await redis.lrange('none', 0, -1)], [['two', { three: 3 }], []]);
  },
  async lrem(redis) {
    await redis.rpush('l', 'a', 'b', 'a');
    eq(await redis.lrem('l', 1, 'a'), 1);
  },
  async lset(redis) {
    await redis.rpush('l', 'a');
    eq([await redis.lset('l', 0, { b: 1 }), await redis.lindex('l', 0)], ['OK', { b: 1 }]);
    await assert.rejects(redis.lset('l', 9, 'x'), /ERR index out of range/);
  },
  async ltrim(redis) {
    await redis.rpush('l', 1, 2, 3);
    eq([await redis.ltrim('l', 1, 1), await redis.lrange('l', 0, -1)], ['OK', [2]]);
  },
  // Sets.
  async sadd(redis) {
    eq([await redis.sadd('s', 'a', { b: 1 }), await redis.sadd('s', 'a')], [2, 0]);
  },
  async scard(redis) {
    await redis.sadd('s', 1, 2);
    eq(await redis.scard('s'), 2);
  },
  async sdiff(redis) {
    await redis.sadd('s', 1, 2);
    await redis.sadd('t', 2);
    eq(await redis.sdiff('s', 't'), [1]);
  },
  async sdiffstore(redis) {
    await redis.sadd('s', 1, 2);
    await redis.sadd('t', 2);
    eq(await redis.sdiffstore('d', 's', 't'), 1);
  },
  async sinter(redis) {
    await redis.sadd('s', 1, { a: 2 });
    await redis.sadd('t', { a: 2 });
    eq(await redis.sinter('s', 't'), [{ a: 2 }]);
  },
  async sintercard(redis) {
    await redis.sadd('s', 1, 2, 3);
    await redis.sadd('t', 2, 3, 4);
    eq([await redis.sintercard(['s', 't']), await redis.sintercard(['s', 't'], { limit: 1 })], [2, 1]);
  },
  async sinterstore(redis) {
    await redis.sadd('s', 1, 2);
    await redis.sadd('t', 2);
    eq(await redis.sinterstore('d', 's', 't'), 1);
  },
  async sismember(redis) {
    await redis.sadd('s', { a: 1 });
    eq([await redis.sismember('s', { a: 1 }), await redis.sismember('s', 'b')], [1, 0]);
  },
  async smismember(redis) {
    await redis.sadd('s', 'a', { b: 1 });
    eq(await redis.smismember('s', ['a', 'x', { b: 1 }]), [1, 0, 1]);
  },
  async smembers(redis) {
    await redis.sadd('s', 'a', 2);
    eq(new Set(await redis.smembers('s')), new Set(['a', 2]));
  },
  async smove(redis) {
    await redis.sadd('s', 'a');
    eq([await redis.smove('s', 't', 'a'), await redis.smove('s', 't', 'a')], [1, 0]);
  },
  async spop(redis) {
    await redis.sadd('s', 'a');
    eq([await redis.spop('s'), await redis.spop('s'), await redis.spop('s', 2)], ['a', null, []]);
  },
  async srandmember(redis) {
    await redis.sadd('s', 'a');
    eq([await redis.srandmember('s'), await redis.srandmember('s', -2), await redis.srandmember('none')], ['a', ['a', 'a'], null]);
  },
  async srem(redis) {
    await redis.sadd('s', 'a', 'b');
    eq(await redis.srem('s', 'a', 'x'), 1);
  },
  async sscan(redis) {
    await redis.sadd('s', 'a1', 'a2', 'b');
    const [cursor, members] = await redis.sscan('s', 0, { match: 'a*', count: 10 });
    eq([cursor, sorted(members)], ['0', ['a1', 'a2']]);
  },
  async sunion(redis) {
    await redis.sadd('s', 1);
    await redis.sadd('t', 2);
    eq(sorted(await redis.sunion('s', 't')), [1, 2]);
  },
  async sunionstore(redis) {
    await redis.sadd('s', 1);
    await redis.sadd('t', 2);
    eq(await redis.sunionstore('d', 's', 't'), 2);
  },
};
