/** Sorted sets, and what is made of them: places, and how many there are. */
import { eq, sicily } from './kit.mjs';

export default {
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
};
