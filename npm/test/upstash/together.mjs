/** Messages, and many commands at once. */
import assert from 'node:assert/strict';
import { eq, sorted, until } from './kit.mjs';

export default {
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
