/**
 * Each method of `@upstash/redis`'s client, with the arguments and results that the client has, on an engine
 * in this process and behind the fetch handler. A method without a case fails the last test.
 *
 * `REDSTART_UPSTASH_PEER=6379` runs the same against a Redis server on that port of this machine, which
 * says whether the cases themselves are right.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ratelimit } from '@upstash/ratelimit';
import { Redis } from '@upstash/redis';
import { Engine, Store } from 'redstart';
import { dial } from 'redstart/socket';
import { requester, toFetchHandler } from 'redstart/upstash';

const eq = assert.deepEqual;
const TOKEN = 'a token of some length';
const now = () => Math.floor(Date.now() / 1000);
const near = (got, wanted, by = 5) => assert.ok(Math.abs(got - wanted) <= by, `${got} is not near ${wanted}`);
const sorted = (list) => [...list].sort();

/** What cannot apply, and why. */
const ELSEWHERE = {
  ...Object.fromEntries(['count', 'del', 'delrange', 'get', 'getrange', 'grep', 'info', 'insert', 'lastitems', 'len', 'mget', 'mset', 'next', 'op', 'ring', 'scan', 'seek', 'set'].map((name) => [`ar${name}`, 'arrays are a type of Upstash, not of Redis 7'])),
  json: 'JSON is a module, which Redis 7 has not',
  search: 'search is a service of Upstash',
  vector: 'vectors are a service of Upstash',
};
/** What is no command. */
const CLIENT_ONLY = ['constructor', 'client', 'opts', 'enableTelemetry', 'enableAutoPipelining', 'addTelemetry'];

const cases = {
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

  // Keys.
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

  // Sorted sets.
  async zadd(redis) {
    eq(await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: { b: 1 } }), 2);
    eq(await redis.zadd('z', { nx: true }, { score: 9, member: 'a' }), 0);
    eq(await redis.zadd('z', { ch: true, gt: true, xx: true }, { score: 9, member: 'a' }), 1);
    eq(await redis.zadd('z', { incr: true }, { score: 0.5, member: 'a' }), 9.5);
    eq(await redis.zadd('z', { nx: true, incr: true }, { score: 1, member: 'a' }), null);
  },
  async zcard(redis) {
    await redis.zadd('z', { score: 1, member: 'a' });
    eq(await redis.zcard('z'), 1);
  },
  async zcount(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' });
    eq([await redis.zcount('z', '-inf', '+inf'), await redis.zcount('z', '(1', 2)], [2, 1]);
  },
  async zdiffstore(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' });
    await redis.zadd('y', { score: 1, member: 'a' });
    eq(await redis.zdiffstore('d', 2, 'z', 'y'), 1);
  },
  async zincrby(redis) {
    eq(await redis.zincrby('z', 1.5, 'a'), 1.5);
  },
  async zinterstore(redis) {
    await redis.zadd('z', { score: 1, member: 'a' });
    await redis.zadd('y', { score: 2, member: 'a' });
    eq(await redis.zinterstore('d', 2, ['z', 'y'], { weights: [2, 3], aggregate: 'max' }), 1);
    eq(await redis.zscore('d', 'a'), 6);
  },
  async zlexcount(redis) {
    await redis.zadd('z', { score: 0, member: 'a' }, { score: 0, member: 'b' });
    eq(await redis.zlexcount('z', '[a', '(b'), 1);
  },
  async zmscore(redis) {
    await redis.zadd('z', { score: 1.5, member: 'a' });
    eq(await redis.zmscore('z', ['a', 'none']), [1.5, null]);
  },
  async zpopmax(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: { b: 1 } });
    eq([await redis.zpopmax('z'), await redis.zpopmax('z', 5), await redis.zpopmax('z')], [[{ b: 1 }, 2], ['a', 1], []]);
  },
  async zpopmin(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' });
    eq([await redis.zpopmin('z', 2), await redis.zpopmin('z')], [['a', 1, 'b', 2], []]);
  },
  async zrange(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2.5, member: { b: 1 } }, { score: '+inf', member: 'c' });
    eq(await redis.zrange('z', 0, -1), ['a', { b: 1 }, 'c']);
    eq(await redis.zrange('z', 0, -1, { withScores: true }), ['a', 1, { b: 1 }, 2.5, 'c', 'inf']);
    eq(await redis.zrange('z', 0, 0, { rev: true, withScores: true }), ['c', 'inf']);
    eq(await redis.zrange('z', '(1', '+inf', { byScore: true, offset: 0, count: 1 }), [{ b: 1 }]);
    await redis.zadd('lex', { score: 0, member: 'a' }, { score: 0, member: 'b' });
    eq(await redis.zrange('lex', '[b', '-', { byLex: true, rev: true }), ['b', 'a']);
    eq(await redis.zrange('none', 0, -1), []);
  },
  async zrank(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' });
    eq([await redis.zrank('z', 'b'), await redis.zrank('z', 'x')], [1, null]);
  },
  async zrevrank(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' });
    eq([await redis.zrevrank('z', 'b'), await redis.zrevrank('z', 'x')], [0, null]);
  },
  async zrem(redis) {
    await redis.zadd('z', { score: 1, member: 'a' });
    eq(await redis.zrem('z', 'a', 'b'), 1);
  },
  async zremrangebylex(redis) {
    await redis.zadd('z', { score: 0, member: 'a' }, { score: 0, member: 'b' });
    eq(await redis.zremrangebylex('z', '-', '[a'), 1);
  },
  async zremrangebyrank(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' });
    eq(await redis.zremrangebyrank('z', 0, 0), 1);
  },
  async zremrangebyscore(redis) {
    await redis.zadd('z', { score: 1, member: 'a' }, { score: 2, member: 'b' });
    eq(await redis.zremrangebyscore('z', '-inf', '(2'), 1);
  },
  async zscan(redis) {
    await redis.zadd('z', { score: 1, member: 'a' });
    eq(await redis.zscan('z', 0, { match: '*', count: 5 }), ['0', ['a', 1]]);
  },
  async zscore(redis) {
    await redis.zadd('z', { score: 1.25, member: { a: 1 } }, { score: '-inf', member: 'low' });
    eq([await redis.zscore('z', { a: 1 }), await redis.zscore('z', 'none'), await redis.zscore('z', 'low')], [1.25, null, '-inf']);
  },
  async zunion(redis) {
    await redis.zadd('z', { score: 1, member: 'a' });
    await redis.zadd('y', { score: 2, member: 'a' }, { score: 1, member: 'b' });
    eq(await redis.zunion(2, ['z', 'y']), ['b', 'a']);
    eq(await redis.zunion(2, ['z', 'y'], { withScores: true, weights: [10, 1], aggregate: 'sum' }), ['b', 1, 'a', 12]);
  },
  async zunionstore(redis) {
    await redis.zadd('z', { score: 1, member: 'a' });
    eq(await redis.zunionstore('d', 1, 'z', { weight: 3 }), 1);
    eq(await redis.zscore('d', 'a'), 3);
  },

  // Places.
  async geoadd(redis) {
    const palermo = { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' };
    eq([await redis.geoadd('g', palermo, { longitude: 15.087269, latitude: 37.502669, member: 'Catania' }), await redis.geoadd('g', { nx: true, ch: true }, palermo)], [2, 0]);
  },
  async geodist(redis) {
    await sicily(redis);
    eq([await redis.geodist('g', 'Palermo', 'Catania'), await redis.geodist('g', 'Palermo', 'Catania', 'KM'), await redis.geodist('g', 'Palermo', 'none')], [166274.1516, 166.2742, null]);
  },
  async geohash(redis) {
    await sicily(redis);
    eq([await redis.geohash('g', 'Palermo', 'none'), await redis.geohash('g', ['Catania'])], [['sqc8b49rny0', null], ['sqdtr74hyu0']]);
  },
  async geopos(redis) {
    await sicily(redis);
    eq(await redis.geopos('g', 'Palermo', 'none'), [{ lng: 13.361389338970184, lat: 38.1155563954963 }]);
  },
  async geosearch(redis) {
    await sicily(redis);
    const center = { type: 'FROMLONLAT', coordinate: { lon: 15, lat: 37 } };
    eq(await redis.geosearch('g', center, { type: 'BYRADIUS', radius: 200, radiusType: 'KM' }, 'ASC'), [{ member: 'Catania' }, { member: 'Palermo' }]);
    const [nearest] = await redis.geosearch('g', center, { type: 'BYBOX', rect: { width: 400, height: 400 }, rectType: 'KM' }, 'ASC', { count: { limit: 1 }, withCoord: true, withDist: true, withHash: true });
    eq(nearest, { member: 'Catania', dist: 56.4413, hash: '3479447370796909', coord: { long: 15.087267458438873, lat: 37.50266842333162 } });
    eq(await redis.geosearch('g', { type: 'FROMMEMBER', member: 'Palermo' }, { type: 'BYRADIUS', radius: 1, radiusType: 'M' }, 'DESC'), [{ member: 'Palermo' }]);
  },
  async geosearchstore(redis) {
    await sicily(redis);
    eq(await redis.geosearchstore('d', 'g', { type: 'FROMMEMBER', member: 'Palermo' }, { type: 'BYRADIUS', radius: 200, radiusType: 'KM' }, 'ASC', { storeDist: true }), 2);
    eq(await redis.zrange('d', 0, 0, { withScores: true }), ['Palermo', 0]);
  },

  // How many there are.
  async pfadd(redis) {
    eq([await redis.pfadd('p', 'a', 'b'), await redis.pfadd('p', 'a')], [1, 0]);
  },
  async pfcount(redis) {
    await redis.pfadd('p', 'a', 'b');
    await redis.pfadd('q', 'b', 'c');
    eq([await redis.pfcount('p'), await redis.pfcount('p', 'q')], [2, 3]);
  },
  async pfmerge(redis) {
    await redis.pfadd('p', 'a');
    eq([await redis.pfmerge('d', 'p'), await redis.pfcount('d')], ['OK', 1]);
  },

  // Streams.
  async xadd(redis) {
    assert.match(await redis.xadd('x', '*', { a: 1 }), /^\d+-0$/);
    eq(await redis.xadd('y', '1-1', { a: { b: 1 }, c: 'text' }), '1-1');
    eq(await redis.xadd('none', '*', { a: 1 }, { nomkStream: true }), null);
    eq(await redis.xadd('y', '2-1', { a: 1 }, { trim: { type: 'MAXLEN', comparison: '=', threshold: 1 } }), '2-1');
    eq(await redis.xlen('y'), 1);
  },
  async xlen(redis) {
    eq(await redis.xlen('none'), 0);
  },
  async xrange(redis) {
    await stream(redis);
    eq(await redis.xrange('x', '-', '+'), { '1-1': { n: 1 }, '2-1': { o: { deep: true } }, '3-1': { t: 'text' } });
    eq(await redis.xrange('x', '2', '3', 1), { '2-1': { o: { deep: true } } });
    eq(await redis.xrange('none', '-', '+'), {});
  },
  async xrevrange(redis) {
    await stream(redis);
    eq(Object.keys(await redis.xrevrange('x', '+', '-', 2)), ['3-1', '2-1']);
  },
  async xread(redis) {
    await stream(redis);
    eq(await redis.xread('x', '1-1', { count: 1 }), [['x', [['2-1', ['o', { deep: true }]]]]]);
    eq(await redis.xread(['x', 'y'], ['2-1', '0']), [['x', [['3-1', ['t', 'text']]]]]);
    eq(await redis.xread('x', '9-1'), null);
    eq(await redis.xread('x', '$', { blockMS: 5 }), null);
  },
  async xgroup(redis) {
    eq(await redis.xgroup('x', { type: 'CREATE', group: 'g', id: '$', options: { MKSTREAM: true } }), 'OK');
    await assert.rejects(redis.xgroup('x', { type: 'CREATE', group: 'g', id: '$' }), /BUSYGROUP Consumer Group name already exists/);
    eq(await redis.xgroup('x', { type: 'CREATECONSUMER', group: 'g', consumer: 'c' }), 1);
    eq(await redis.xgroup('x', { type: 'SETID', group: 'g', id: '0', options: { ENTRIESREAD: 0 } }), 'OK');
    eq(await redis.xgroup('x', { type: 'DELCONSUMER', group: 'g', consumer: 'c' }), 0);
    eq(await redis.xgroup('x', { type: 'DESTROY', group: 'g' }), 1);
  },
  async xreadgroup(redis) {
    await group(redis);
    eq(await redis.xreadgroup('g', 'c', 'x', '>', { count: 1 }), [['x', [['1-1', ['n', 1]]]]]);
    eq(await redis.xreadgroup('g', 'c', ['x'], ['>'], { NOACK: true }), [['x', [['2-1', ['o', { deep: true }]], ['3-1', ['t', 'text']]]]]);
    eq(await redis.xreadgroup('g', 'c', 'x', '>', { blockMS: 5 }), null);
  },
  async xack(redis) {
    await group(redis);
    await redis.xreadgroup('g', 'c', 'x', '>');
    eq([await redis.xack('x', 'g', '1-1'), await redis.xack('x', 'g', ['2-1', '3-1', '4-1'])], [1, 2]);
  },
  async xackdel(redis) {
    await group(redis);
    await redis.xreadgroup('g', 'c', 'x', '>');
    eq([await redis.xackdel('x', 'g', 'DELREF', '1-1', '9-1'), await redis.xlen('x')], [[1, -1], 2]);
  },
  async xdel(redis) {
    await stream(redis);
    eq([await redis.xdel('x', '1-1'), await redis.xdel('x', ['2-1', '9-1'])], [1, 1]);
  },
  async xdelex(redis) {
    await stream(redis);
    eq([await redis.xdelex('x', 'KEEPREF', '1-1', '9-1'), await redis.xdelex('x', undefined, '2-1')], [[1, -1], [1]]);
  },
  async xinfo(redis) {
    await group(redis);
    await redis.xreadgroup('g', 'c', 'x', '>', { count: 1 });
    const [groups] = await redis.xinfo('x', { type: 'GROUPS' });
    eq(groups.slice(0, 8), ['name', 'g', 'consumers', 1, 'pending', 1, 'last-delivered-id', '1-1']);
    const [consumers] = await redis.xinfo('x', { type: 'CONSUMERS', group: 'g' });
    eq(consumers.slice(0, 4), ['name', 'c', 'pending', 1]);
  },
  async xpending(redis) {
    await group(redis);
    await redis.xreadgroup('g', 'c', 'x', '>', { count: 2 });
    const pending = await redis.xpending('x', 'g', '-', '+', 10, { consumer: 'c', idleTime: 0 });
    eq(pending.map(([id, consumer, , times]) => [id, consumer, times]), [['1-1', 'c', 1], ['2-1', 'c', 1]]);
  },
  async xclaim(redis) {
    await group(redis);
    await redis.xreadgroup('g', 'c', 'x', '>');
    eq(await redis.xclaim('x', 'g', 'd', 0, '1-1'), [['1-1', ['n', 1]]]);
    eq(await redis.xclaim('x', 'g', 'd', 0, ['2-1', '3-1'], { justId: true, retryCount: 3, force: true }), ['2-1', '3-1']);
  },
  async xautoclaim(redis) {
    await group(redis);
    await redis.xreadgroup('g', 'c', 'x', '>');
    eq(await redis.xautoclaim('x', 'g', 'd', 0, '0-0', { count: 1 }), ['2-1', [['1-1', ['n', 1]]], []]);
    eq(await redis.xautoclaim('x', 'g', 'd', 0, '2-1', { justId: true }), ['0-0', ['2-1', '3-1'], []]);
  },
  async xtrim(redis) {
    await stream(redis);
    eq([await redis.xtrim('x', { strategy: 'MAXLEN', exactness: '=', threshold: 2 }), await redis.xtrim('x', { strategy: 'MINID', exactness: '=', threshold: '3-1' })], [1, 1]);
  },

  // Scripts and functions.
  async eval(redis) {
    eq(await redis.eval('return {KEYS[1], ARGV[1], ARGV[2]}', ['k'], ['a', { b: 1 }]), ['k', 'a', { b: 1 }]);
    eq(await redis.eval('return {1, {2, {false, "x"}}, redis.call("set", KEYS[1], "v"), redis.status_reply("FINE")}', ['k'], []), [1, [2, [null, 'x']], 'OK', 'FINE']);
    eq(await redis.eval('return nil', [], []), null);
    eq(await redis.eval('#!lua flags=allow-key-locking\nreturn redis.call("get", KEYS[1])', ['k'], []), 'v');
    await assert.rejects(redis.eval('return redis.error_reply("MY own error")', [], []), /MY own error/);
  },
  async evalRo(redis) {
    await redis.set('k', { a: 1 });
    eq(await redis.evalRo('return redis.call("get", KEYS[1])', ['k'], []), { a: 1 });
    await assert.rejects(redis.evalRo('return redis.call("set", KEYS[1], 1)', ['k'], []), /Write commands are not allowed from read-only scripts/);
  },
  async evalsha(redis) {
    const sha = await redis.scriptLoad('return ARGV[1]');
    eq(await redis.evalsha(sha, [], ['hello']), 'hello');
    await assert.rejects(redis.evalsha('0'.repeat(40), [], []), /NOSCRIPT No matching script/);
  },
  async evalshaRo(redis) {
    const sha = await redis.scriptLoad('return 7');
    eq(await redis.evalshaRo(sha, [], []), 7);
  },
  async createScript(redis) {
    await redis.scriptFlush();
    const script = redis.createScript('return {KEYS[1], ARGV[1]}');
    eq(await script.exec(['k'], ['a']), ['k', 'a']);
    eq(await script.evalsha(['k'], ['b']), ['k', 'b']);
    eq(await script.eval(['k'], ['c']), ['k', 'c']);
    const readonly = redis.createScript('return redis.call("get", KEYS[1])', { readonly: true });
    await redis.set('k', 'v');
    eq([await readonly.exec(['k'], []), await readonly.evalshaRo(['k'], []), await readonly.evalRo(['k'], [])], ['v', 'v', 'v']);
  },
  async scriptLoad(redis) {
    eq(await redis.scriptLoad('return 1'), 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db');
  },
  async scriptExists(redis) {
    const sha = await redis.scriptLoad('return 2');
    eq(await redis.scriptExists(sha, '0'.repeat(40)), [1, 0]);
  },
  async scriptFlush(redis) {
    eq([await redis.scriptFlush(), await redis.scriptFlush({ sync: true }), await redis.scriptFlush({ async: true })], ['OK', 'OK', 'OK']);
  },
  async functions(redis) {
    await redis.functions.flush();
    const code = "#!lua name=lib\nredis.register_function{function_name='echo', callback=function(keys, args) return {keys[1], args[1]} end, flags={'no-writes'}, description='says it again'}";
    eq(await redis.functions.load({ code }), 'lib');
    await assert.rejects(redis.functions.load({ code }), /ERR Library 'lib' already exists/);
    eq(await redis.functions.load({ code, replace: true }), 'lib');
    eq(await redis.functions.call('echo', ['k'], ['a']), ['k', 'a']);
    eq(await redis.functions.callRo('echo', ['k'], ['b']), ['k', 'b']);
    eq(await redis.functions.list({ libraryName: 'l*', withCode: true }), [{ libraryName: 'lib', engine: 'LUA', functions: [{ name: 'echo', description: 'says it again', flags: ['no-writes'] }], libraryCode: code }]);
    eq(await redis.functions.stats(), { engines: { LUA: { librariesCount: 1, functionsCount: 1 } } });
    eq([await redis.functions.delete('lib'), await redis.functions.list()], ['OK', []]);
    eq(await redis.functions.flush(), 'OK');
  },

  // The server.
  async ping(redis) {
    eq([await redis.ping(), await redis.ping(['hello'])], ['PONG', 'hello']);
  },
  async echo(redis) {
    eq(await redis.echo('hello'), 'hello');
  },
  async time(redis) {
    const [seconds, micros] = await redis.time();
    near(seconds, now());
    assert.ok(micros >= 0 && micros < 1e6);
  },
  async dbsize(redis) {
    await redis.mset({ a: 1, b: 2 });
    eq(await redis.dbsize(), 2);
  },
  async flushdb(redis) {
    await redis.set('a', 1);
    eq([await redis.flushdb({ async: true }), await redis.flushdb(), await redis.dbsize()], ['OK', 'OK', 0]);
  },
  async flushall(redis) {
    eq([await redis.flushall(), await redis.flushall([{ async: true }])], ['OK', 'OK']);
  },
  async clientSetinfo(redis) {
    eq([await redis.clientSetinfo('LIB-NAME', 'mine'), await redis.clientSetinfo('LIB-VER', '1.0')], ['OK', 'OK']);
  },
  async exec(redis) {
    eq([await redis.exec(['SET', 'k', '1', 'EX', 60]), await redis.exec(['OBJECT', 'ENCODING', 'k'])], ['OK', 'int']);
    eq(await redis.exec(['BLPOP', 'none', '0.01']), null);
  },

  // Messages.
  async publish(redis) {
    eq(await redis.publish('nobody', { a: 1 }), 0);
  },
  async subscribe(redis) {
    const subscription = redis.subscribe(['news', 'a b']);
    const heard = { message: [], 'message:news': [], subscribe: [] };
    for (const [name, list] of Object.entries(heard)) subscription.on(name, (data) => list.push(data));
    await until(() => heard.subscribe.length === 2);
    eq(heard.subscribe, [1, 1]);
    eq(sorted(subscription.getSubscribedChannels()), ['a b', 'news']);
    eq([await redis.publish('news', { hi: [1, 'ü'] }), await redis.publish('news', 'text, with a comma'), await redis.publish('news', 7)], [1, 1, 1]);
    await until(() => heard.message.length === 3);
    eq(heard.message, [{ hi: [1, 'ü'] }, 'text, with a comma', 7].map((message) => ({ channel: 'news', message })));
    eq(heard['message:news'].length, 3);
    await subscription.unsubscribe(['news']);
    await until(async () => (await redis.publish('news', 'nobody')) === 0);
    eq(subscription.getSubscribedChannels(), ['a b']);
    await subscription.unsubscribe();
  },
  async psubscribe(redis) {
    const subscription = redis.psubscribe('user:*');
    const heard = { pmessage: [], 'pmessage:user:*': [], psubscribe: [] };
    for (const [name, list] of Object.entries(heard)) subscription.on(name, (data) => list.push(data));
    await until(() => heard.psubscribe.length === 1);
    await redis.publish('user:1', { name: 'Ada' });
    await until(() => heard.pmessage.length === 1);
    eq(heard.pmessage, [{ pattern: 'user:*', channel: 'user:1', message: { name: 'Ada' } }]);
    eq(heard['pmessage:user:*'].length, 1);
    await subscription.unsubscribe();
    await until(async () => (await redis.publish('user:1', 'x')) === 0);
  },

  // Many at once.
  async pipeline(redis) {
    const pipeline = redis.pipeline().set('k', { a: 1 }).get('k').hset('h', { f: 1 }).hgetall('h').zadd('z', { score: 1, member: 'm' }).zrange('z', 0, -1, { withScores: true }).mget('k', 'none');
    eq(pipeline.length(), 7);
    eq(await pipeline.exec(), ['OK', { a: 1 }, 1, { f: 1 }, 1, ['m', 1], [{ a: 1 }, null]]);
    await assert.rejects(redis.pipeline().set('k', 'x').lpush('k', 1).get('k').exec(), { name: 'UpstashError', message: 'Command 2 [ lpush ] failed: WRONGTYPE Operation against a key holding the wrong kind of value' });
    const kept = await redis.pipeline().get('k').lpush('k', 1).incr('n').exec({ keepErrors: true });
    eq(kept.map(({ result, error }) => [result, error]), [['x', undefined], [undefined, 'WRONGTYPE Operation against a key holding the wrong kind of value'], [1, undefined]]);
    await assert.rejects(redis.pipeline().exec(), /Pipeline is empty/);
  },
  async multi(redis) {
    eq(await redis.multi().set('k', 1).incr('k').get('none').hset('h', { a: { b: 1 } }).hgetall('h').exec(), ['OK', 2, null, 1, { a: { b: 1 } }]);
    await assert.rejects(redis.multi().incr('k').lpush('k', 1).exec(), { name: 'UpstashError', message: 'Command 2 [ lpush ] failed: WRONGTYPE Operation against a key holding the wrong kind of value' });
    eq(await redis.get('k'), 3);
    await assert.rejects(redis.multi().incr('k').getrange('k').exec(), { name: 'UpstashError', message: /^EXECABORT Transaction discarded because of previous errors\., command was: \[\["incr","k"\]/ });
    eq(await redis.get('k'), 3);
  },
  async autoPipeline(redis) {
    const auto = redis.autoPipeline();
    const before = auto.pipelineCounter;
    const replies = await Promise.all([auto.set('a', { n: 1 }), auto.get('a'), auto.incr('n'), auto.hset('h', { f: 1 }), auto.hget('h', 'f')]);
    eq([replies[0], replies[2], replies[3]], ['OK', 1, 1]);
    eq(auto.pipelineCounter - before, 2);
    const [good, bad] = await Promise.allSettled([auto.incr('n'), auto.lpush('n', 1)]);
    eq([good.value, bad.reason.name, bad.reason.message], [2, 'UpstashError', 'Command failed: WRONGTYPE Operation against a key holding the wrong kind of value']);
  },
  async use(redis, { fresh }) {
    const own = fresh();
    const seen = [];
    own.use(async (request, next) => {
      seen.push(request.body);
      return next(request);
    });
    await own.ping();
    eq(seen.flat(2).map(String), ['ping']);
  },
  async readYourWritesSyncToken(redis, { fresh }) {
    const own = fresh();
    const tokens = [own.readYourWritesSyncToken];
    await own.set('k', 1);
    tokens.push(own.readYourWritesSyncToken);
    await own.pipeline().set('k', 2).get('k').exec();
    tokens.push(own.readYourWritesSyncToken);
    await own.multi().set('k', 3).exec();
    tokens.push(own.readYourWritesSyncToken);
    await own.eval('return 1', [], []);
    tokens.push(own.readYourWritesSyncToken);
    eq(tokens[0], '');
    eq(new Set(tokens).size, 5);
    own.readYourWritesSyncToken = tokens[1];
    eq(await own.get('k'), 3);
  },
};

const sicily = (redis) => redis.geoadd('g', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' }, { longitude: 15.087269, latitude: 37.502669, member: 'Catania' });
async function stream(redis) {
  await redis.xadd('x', '1-1', { n: 1 });
  await redis.xadd('x', '2-1', { o: { deep: true } });
  await redis.xadd('x', '3-1', { t: 'text' });
}
async function group(redis) {
  await stream(redis);
  await redis.xgroup('x', { type: 'CREATE', group: 'g', id: '0' });
}
async function until(holds) {
  for (const end = Date.now() + 10_000; !(await holds()); await sleep(2)) assert.ok(Date.now() < end, String(holds));
}

const peer = process.env.REDSTART_UPSTASH_PEER;
/** Where the cases are run: `fresh` makes another client of the same data. */
const places = {
  'the requester': async () => {
    const engine = await Engine.open();
    return { fresh: () => new Redis(requester(engine)) };
  },
  'the fetch handler': async (t) => {
    serve(t, await Engine.open());
    return { fresh: () => overHttp() };
  },
  'the fetch handler of a store': async (t) => {
    const store = await Store.open(peer ? { host: dial({ port: Number(peer) }) } : {});
    t.after(() => store.close());
    serve(t, store);
    return { fresh: () => overHttp() };
  },
};

/** BITFIELD is a chain of calls, which the client cannot gather by itself. */
function overHttp() {
  return new Redis({ url: 'https://engine.example', token: TOKEN, retry: false, enableAutoPipelining: false });
}

function serve(t, place) {
  const handler = toFetchHandler(place, { token: TOKEN });
  t.mock.method(globalThis, 'fetch', (url, init) => handler(new Request(url, init)));
}

for (const [name, open] of Object.entries(places)) {
  if (peer && name !== 'the fetch handler of a store') continue;
  test(`@upstash/redis on ${name}`, async (t) => {
    const place = await open(t);
    const redis = place.fresh();
    for (const [method, run] of Object.entries(cases)) {
      await t.test(method, async () => {
        await redis.flushall();
        await run(redis, place);
      });
    }
  });
}

test('errors are those of the client', async (t) => {
  const engine = await Engine.open();
  const inProcess = new Redis(requester(engine));
  serve(t, engine);
  for (const redis of [inProcess, overHttp()]) {
    await redis.set('k', 'text');
    await assert.rejects(redis.lpush('k', 1), { name: 'UpstashError', message: 'WRONGTYPE Operation against a key holding the wrong kind of value, command was: ["lpush","k",1]' });
    await assert.rejects(redis.exec(['NOSUCH', 'a']), { name: 'UpstashError', message: /^ERR unknown command 'NOSUCH', with args beginning with: 'a' ?, command was: \["NOSUCH","a"\]$/ });
    await assert.rejects(redis.exec(['MULTI']), { name: 'UpstashError', message: `ERR Command is not available: 'multi', command was: ["MULTI"]` });
    await assert.rejects(redis.json.get('k'), { name: 'UpstashError', message: /^ERR unknown command 'JSON.GET'/ });
  }
  const stranger = new Redis({ url: 'https://engine.example', token: 'wrong' });
  await assert.rejects(stranger.get('k'), { name: 'UpstashError', message: /WRONGPASS invalid or missing auth token/ });
});

test('the options of the client', async (t) => {
  serve(t, await Engine.open());
  const options = { url: 'https://engine.example', token: TOKEN };
  const plain = new Redis({ ...options, responseEncoding: false });
  await plain.set('k', { a: 'grüße' });
  eq(await plain.get('k'), { a: 'grüße' });
  eq(await plain.eval('return {redis.call("set", "x", 1), 2, "three"}', [], []), ['OK', 2, 'three']);
  const raw = new Redis({ ...options, automaticDeserialization: false });
  eq(await raw.get('k'), '{"a":"grüße"}');
  const unsynced = new Redis({ ...options, readYourWrites: false });
  await unsynced.set('k', 1);
  eq(unsynced.readYourWritesSyncToken, '');
  const signal = AbortSignal.abort();
  eq(await new Redis({ ...options, signal }).get('k').catch((error) => error.name), 1);
});

test('a request that waits holds up no other, and ends with its signal', async (t) => {
  const engine = await Engine.open();
  const redis = new Redis(requester(engine));
  const popped = redis.exec(['BLPOP', 'queue', 0]);
  eq(await redis.rpush('queue', { job: 1 }), 1);
  eq(await popped, ['queue', { job: 1 }]);
  const handler = toFetchHandler(engine, { token: TOKEN });
  const controller = new AbortController();
  const ask = (body, more) => handler(new Request('https://engine.example/', { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${TOKEN}` }, ...more }));
  const waiting = ask(['BLPOP', 'queue', 0], { signal: controller.signal });
  await until(() => /blocked_clients:1/.test(engine.info('clients')));
  controller.abort();
  eq((await waiting).status, 400);
  await until(() => /blocked_clients:0/.test(engine.info('clients')));
  const refusing = toFetchHandler(engine, { token: TOKEN, blocking: false });
  const refused = await refusing(new Request('https://engine.example/blpop/queue/0', { headers: { authorization: `Bearer ${TOKEN}` } }));
  eq([refused.status, await refused.json()], [400, { error: "ERR Command is not available: 'blpop'" }]);
});

test('@upstash/ratelimit over HTTP', async (t) => {
  serve(t, await Engine.open());
  const redis = new Redis({ url: 'https://engine.example', token: TOKEN });
  for (const [name, limiter] of Object.entries({
    fixed: Ratelimit.fixedWindow(2, '600 s'),
    sliding: Ratelimit.slidingWindow(2, '600 s'),
    bucket: Ratelimit.tokenBucket(1, '600 s', 2),
  })) {
    const ratelimit = new Ratelimit({ redis, limiter, prefix: name, ephemeralCache: false, analytics: true });
    const found = [];
    for (let i = 0; i < 3; i++) {
      const { success, pending } = await ratelimit.limit('user');
      await pending;
      found.push(success);
    }
    eq(found, [true, true, false], name);
    eq((await ratelimit.getRemaining('user')).remaining, 0, name);
    await ratelimit.resetUsedTokens('user');
    eq((await ratelimit.limit('user')).success, true, name);
  }
});

test('there is a case for every method', () => {
  const methods = new Set();
  const redis = new Redis(requester(Engine.openSync()));
  for (let object = redis; object !== Object.prototype; object = Object.getPrototypeOf(object)) {
    for (const name of Object.getOwnPropertyNames(object)) methods.add(name);
  }
  eq([...methods].filter((name) => !cases[name] && !ELSEWHERE[name] && !CLIENT_ONLY.includes(name)), []);
  eq(Object.keys(cases).filter((name) => !methods.has(name)), []);
  eq(sorted(Object.keys(redis.functions)), ['call', 'callRo', 'delete', 'flush', 'list', 'load', 'stats']);
  // A pipeline has the same commands.
  const pipeline = redis.pipeline();
  const queued = Object.keys(pipeline).filter((name) => typeof pipeline[name] === 'function');
  eq(queued.filter((name) => !methods.has(name)), []);
});
