/** Streams and their consumer groups. */
import assert from 'node:assert/strict';
import { eq, group, stream } from './kit.mjs';

export default {
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
};
