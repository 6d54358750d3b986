/**
 * The libraries that live on scripts – queues, locks, rate limiters – unchanged, on an engine in this
 * process: every script that they ship compiles, and what people use them for works.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import KeyvRedis, { createKeyv } from '@keyv/redis';
import { MultiRegionRatelimit, Ratelimit } from '@upstash/ratelimit';
import { Redis as Upstash } from '@upstash/redis';
import BeeQueue from 'bee-queue';
import Bull from 'bull';
import { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq';
import { RedisStore } from 'connect-redis';
import Redis from 'ioredis';
import Redis6 from 'ioredis6';
import Keyv from 'keyv';
import { BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { createClient } from 'redis';
import Redlock, { ExecutionError } from 'redlock';
import Redlock4 from 'redlock4';
import RSMQ from 'rsmq';
import { Engine } from 'redstart';
import { connector } from 'redstart/ioredis';
import { listen } from 'redstart/socket';
import { requester } from 'redstart/upstash';

const require = createRequire(import.meta.url);
const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const LIMIT = { timeout: 60_000 };

/** An engine and the options with which ioredis talks to it. */
async function open() {
  const engine = await Engine.open();
  return { engine, connection: { Connector: connector(engine), maxRetriesPerRequest: null, enableReadyCheck: false } };
}

/** An engine on a port of this machine. */
async function serve(t) {
  const engine = await Engine.open();
  const server = await listen(engine, { host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  return { engine, redis: { host: '127.0.0.1', port: server.address().port } };
}

const event = (emitter, name) => new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));

async function until(holds, what) {
  for (const end = Date.now() + 15_000; !(await holds()); await sleep(5)) assert.ok(Date.now() < end, `never: ${what}`);
}

/** Template literals of a source that are scripts. */
function literals(file, scope = {}) {
  const found = [...readFileSync(`${modules}/${file}`, 'utf8').matchAll(/`(?:[^`\\]|\\[^])*redis\.p?call(?:[^`\\]|\\[^])*`/g)];
  return found.map(([text]) => new Function(...Object.keys(scope), `return ${text}`)(...Object.values(scope)));
}

function files(folder, ending) {
  return readdirSync(`${modules}/${folder}`).filter((name) => name.endsWith(ending)).map((name) => `${modules}/${folder}/${name}`);
}

test('every script compiles', async () => {
  const exported = (file) => {
    const module = require(file);
    return [module, ...Object.values(module)].map(({ content }) => content).filter((content) => content);
  };
  const scripts = {
    bullmq: files('bullmq/dist/cjs/scripts', '.js').filter((file) => !file.endsWith('index.js')).flatMap(exported),
    bull: files('bull/lib/scripts', '.js').filter((file) => !file.endsWith('index.js')).flatMap(exported),
    'bee-queue': files('bee-queue/lib/lua', '.lua').map((file) => readFileSync(file, 'utf8')),
    rsmq: literals('rsmq/index.js'),
    redlock: [...literals('redlock/dist/cjs/index.js'), ...literals('redlock4/redlock.js')],
    'rate-limiter-flexible': literals('rate-limiter-flexible/lib/RateLimiterRedis.js'),
    '@upstash/ratelimit': literals('@upstash/ratelimit/dist/index.js', { tokenBucketIdentifierNotFound: -1 }),
  };
  const least = { bullmq: 60, bull: 25, 'bee-queue': 5, rsmq: 3, redlock: 6, 'rate-limiter-flexible': 1, '@upstash/ratelimit': 11 };
  const engine = await Engine.open();
  for (const [library, texts] of Object.entries(scripts)) {
    assert.ok(texts.length >= least[library], `${library} has ${texts.length} scripts`);
    for (const text of texts) {
      const sha = engine.call('SCRIPT', 'LOAD', text);
      assert.match(sha, /^[0-9a-f]{40}$/, `${library}: ${sha}\n${text}`);
      assert.deepEqual(engine.call('SCRIPT', 'EXISTS', sha), [1]);
    }
  }
});

for (const [driver, connect] of [
  ['ioredis', async () => (await open()).connection],
  ['ioredis 6', async (t) => {
    const client = new Redis6({ ...(await open()).connection });
    t.after(() => client.disconnect());
    return client;
  }],
  ['node-redis', async (t) => {
    const client = createClient({ socket: (await serve(t)).redis });
    client.on('error', () => {});
    await client.connect();
    t.after(() => client.isOpen && client.destroy());
    return client;
  }],
]) {
  test(`BullMQ by ${driver}`, LIMIT, async (t) => {
    const connection = await connect(t);
    const queue = new Queue('work', { connection });
    const events = new QueueEvents('work', { connection });
    await events.waitUntilReady();
    const done = [];
    const failures = [];
    const worker = new Worker('work', async (job) => {
      done.push(job.name);
      await job.updateProgress(50);
      await job.log('half of it');
      if (job.name === 'flaky' && job.attemptsMade < 2) throw new Error('not yet');
      if (job.name === 'hopeless') throw new UnrecoverableError('never');
      return { twice: (job.data.n ?? 0) * 2 };
    }, { connection, concurrency: 4 });
    worker.on('failed', (job, error) => failures.push([job.name, job.attemptsMade, error.message]));
    await worker.waitUntilReady();

    // A job, its result and its events.
    const progress = event(events, 'progress');
    const plain = await queue.add('plain', { n: 21 });
    assert.deepEqual(await plain.waitUntilFinished(events), { twice: 42 });
    assert.equal((await progress)[0].data, 50);
    assert.equal(await plain.getState(), 'completed');
    assert.deepEqual((await queue.getJobLogs(plain.id)).logs, ['half of it']);
    assert.deepEqual((await queue.getJob(plain.id)).returnvalue, { twice: 42 });

    // Many at once, delayed ones, and one that is the same as another.
    const bulk = await queue.addBulk([1, 2, 3].map((n) => ({ name: 'bulk', data: { n } })));
    assert.deepEqual(await Promise.all(bulk.map((job) => job.waitUntilFinished(events))), [{ twice: 2 }, { twice: 4 }, { twice: 6 }]);
    const began = Date.now();
    const delayed = await queue.add('delayed', {}, { delay: 150 });
    assert.equal(await delayed.getState(), 'delayed');
    await delayed.waitUntilFinished(events);
    assert.ok(Date.now() - began >= 149, `after ${Date.now() - began} ms`);
    const early = await queue.add('early', {}, { delay: 60_000 });
    await early.promote();
    await early.waitUntilFinished(events);
    const moved = await queue.add('moved', {}, { delay: 60_000 });
    await moved.changeDelay(10);
    await moved.waitUntilFinished(events);
    const [first, second] = [await queue.add('once', {}, { delay: 50, deduplication: { id: 'one' } }), await queue.add('once', {}, { deduplication: { id: 'one' } })];
    assert.equal(second.id, first.id);
    await first.waitUntilFinished(events);

    // Retries with a backoff, a job that fails for good, and another try of it.
    const flaky = await queue.add('flaky', {}, { attempts: 5, backoff: { type: 'exponential', delay: 10 } });
    await flaky.waitUntilFinished(events);
    assert.deepEqual(failures, [['flaky', 1, 'not yet'], ['flaky', 2, 'not yet']]);
    const hopeless = await queue.add('hopeless', {}, { attempts: 3 });
    await assert.rejects(hopeless.waitUntilFinished(events), /never/);
    assert.equal(await queue.getFailedCount(), 1);
    const again = event(worker, 'failed');
    await hopeless.retry();
    await again;
    assert.equal(done.filter((name) => name === 'hopeless').length, 2);

    // A scheduler runs its job again and again.
    await queue.upsertJobScheduler('tick', { every: 40 }, { name: 'tick', data: {} });
    await until(() => done.filter((name) => name === 'tick').length >= 3, 'three ticks');
    assert.equal((await queue.getJobSchedulers()).length, 1);
    assert.equal(await queue.removeJobScheduler('tick'), true);
    await queue.upsertJobScheduler('cron', { pattern: '* * * * * *', limit: 1 }, { name: 'cron' });
    await until(() => done.includes('cron'), 'a job of a pattern');
    await queue.removeJobScheduler('cron');

    // While the queue is paused nothing runs; then the most urgent first.
    await worker.close();
    await queue.pause();
    done.length = 0;
    for (const priority of [5, 1, 3]) await queue.add(`priority ${priority}`, {}, { priority });
    const last = await queue.add('priority 9', {}, { priority: 9 });
    await last.changePriority({ priority: 2 });
    assert.deepEqual(await queue.getCountsPerPriority([1, 2, 3, 5]), { 1: 1, 2: 1, 3: 1, 5: 1 });
    assert.equal(await queue.isPaused(), true);
    const single = new Worker('work', async (job) => void done.push(job.name), { connection, concurrency: 1 });
    await single.waitUntilReady();
    await sleep(30);
    assert.deepEqual(done, []);
    await queue.resume();
    await until(() => done.length === 4, 'all four');
    assert.deepEqual(done, ['priority 1', 'priority 9', 'priority 3', 'priority 5']);
    await single.close();

    // What is there, and cleaning up.
    await queue.add('waits', {});
    await queue.add('leaves', {}).then((job) => job.remove());
    assert.equal((await queue.getJobCounts('waiting')).waiting, 1);
    assert.equal((await queue.getJobs(['waiting']))[0].name, 'waits');
    await queue.drain();
    assert.equal((await queue.getJobCounts('waiting')).waiting, 0);
    assert.ok((await queue.clean(0, 100, 'completed')).length > 5);
    assert.equal(await queue.getCompletedCount(), 0);
    await queue.obliterate({ force: true });
    await Promise.all([events.close(), queue.close()]);
  });
}

test('BullMQ: a limit on the rate, flows, stalled jobs', LIMIT, async () => {
  const { connection } = await open();
  const limited = new Queue('limited', { connection });
  const times = [];
  const began = Date.now();
  const slow = new Worker('limited', async () => void times.push(Date.now() - began), { connection, limiter: { max: 2, duration: 150 } });
  await limited.addBulk(Array.from({ length: 5 }, (_, n) => ({ name: `${n}`, data: {} })));
  await until(() => times.length === 5, 'five jobs');
  assert.ok(times[4] >= 299, `the fifth came after ${times[4]} ms`);
  await slow.close();

  const flows = new FlowProducer({ connection });
  const seen = [];
  const cook = new Worker('dinner', async (job) => {
    seen.push(job.name);
    if (job.name === 'burnt') throw new Error('burnt');
    if (job.name !== 'meal') return job.name.toUpperCase();
    return Object.values(await job.getChildrenValues()).sort();
  }, { connection });
  const dinner = new QueueEvents('dinner', { connection });
  await dinner.waitUntilReady();
  const child = (name, opts) => ({ name, queueName: 'dinner', data: {}, opts });
  const tree = await flows.add({ name: 'meal', queueName: 'dinner', data: {}, children: [child('soup'), { ...child('fish'), children: [child('net')] }, child('burnt', { ignoreDependencyOnFailure: true })] });
  assert.deepEqual(await tree.job.waitUntilFinished(dinner), ['FISH', 'SOUP']);
  assert.ok(seen.indexOf('net') < seen.indexOf('fish') && seen.at(-1) === 'meal');
  assert.deepEqual(Object.values(await tree.job.getIgnoredChildrenFailures()), ['burnt']);
  const failing = await flows.add({ name: 'meal', queueName: 'dinner', data: {}, children: [child('burnt', { failParentOnFailure: true })] });
  await assert.rejects(failing.job.waitUntilFinished(dinner), /burnt|child/);
  await cook.close();

  // A worker that takes a job and is not heard of again: another one does it.
  const stalled = new Queue('stalled', { connection });
  await stalled.add('left', {});
  const lost = new Worker('stalled', undefined, { connection, lockDuration: 50, skipStalledCheck: true });
  assert.equal((await lost.getNextJob('a token')).name, 'left');
  const found = [];
  const heir = new Worker('stalled', async (job) => void found.push(job.name), { connection, stalledInterval: 60, lockDuration: 500 });
  const noticed = event(heir, 'stalled');
  await until(() => found.length === 1, 'the job that was left');
  await noticed;
  await Promise.all([lost.close(), heir.close(), dinner.close(), flows.close(), limited.close(), stalled.close()]);
});

test('Bull', LIMIT, async () => {
  const { connection } = await open();
  const queue = new Bull('mail', { createClient: () => new Redis(connection), settings: { backoffStrategies: { short: () => 10 } } });
  const done = [];
  queue.process(2, async (job) => {
    done.push(job.data.name);
    await job.progress(10);
    await job.log('sent');
    if (job.data.name === 'flaky' && job.attemptsMade < 2) throw new Error('not yet');
    if (job.data.name === 'hopeless') throw new Error('never');
    return { to: job.data.name };
  });
  const completed = event(queue, 'global:completed');
  const job = await queue.add({ name: 'plain' });
  assert.deepEqual(await job.finished(), { to: 'plain' });
  assert.deepEqual((await completed).slice(0, 2), [job.id, '{"to":"plain"}']);
  assert.equal(await job.getState(), 'completed');
  assert.equal((await queue.getJobLogs(job.id)).count, 1);
  const began = Date.now();
  await (await queue.add({ name: 'delayed' }, { delay: 120 })).finished();
  assert.ok(Date.now() - began >= 119);
  await (await queue.add({ name: 'flaky' }, { attempts: 4, backoff: { type: 'short' } })).finished();
  assert.equal(done.filter((name) => name === 'flaky').length, 3);
  const hopeless = await queue.add({ name: 'hopeless' });
  await assert.rejects(hopeless.finished(), /never/);
  await hopeless.retry();
  await assert.rejects(hopeless.finished(), /never/);
  const early = await queue.add({ name: 'early' }, { delay: 60_000 });
  await early.promote();
  await early.finished();
  await queue.add({ name: 'tick' }, { repeat: { every: 50, limit: 2 } });
  await until(() => done.filter((name) => name === 'tick').length === 2, 'two ticks');
  await Promise.all((await queue.addBulk([{ data: { name: 'a' } }, { data: { name: 'b' } }])).map((one) => one.finished()));

  await queue.pause();
  done.length = 0;
  for (const priority of [3, 1, 2]) await queue.add({ name: `priority ${priority}` }, { priority });
  assert.equal(await queue.getPausedCount(), 3);
  await queue.resume();
  await until(() => done.length === 3, 'all three');
  assert.equal(done[0], 'priority 1');
  await queue.whenCurrentJobsFinished();
  await queue.pause(true);
  await queue.add({ name: 'waits' }).then((one) => one.update({ name: 'changed' }));
  await queue.add({ name: 'leaves' }, { jobId: 'leaves' }).then((one) => one.remove());
  assert.deepEqual((await queue.getWaiting()).map((one) => one.data.name), ['changed']);
  await queue.removeJobs('*');
  assert.equal((await queue.getJobCounts()).waiting, 0);
  assert.equal((await queue.clean(0, 'completed')).length, 0);
  await queue.obliterate({ force: true });
  await queue.close();

  const limited = new Bull('limited', { createClient: () => new Redis(connection), limiter: { max: 1, duration: 100 } });
  const times = [];
  limited.process(async () => void times.push(Date.now()));
  await limited.addBulk([1, 2, 3].map((n) => ({ data: { n } })));
  await until(() => times.length === 3, 'three jobs');
  assert.ok(times[2] - times[0] >= 190, `in ${times[2] - times[0]} ms`);
  await limited.close();
});

test('Bee-Queue', LIMIT, async (t) => {
  const { redis } = await serve(t);
  const queue = new BeeQueue('bees', { redis, activateDelayedJobs: true, stallInterval: 200, removeOnSuccess: false });
  const done = [];
  queue.process(async (job) => {
    done.push(job.data.name);
    job.reportProgress({ half: true });
    if (job.data.name === 'flaky' && job.options.retries > 1) throw new Error('not yet');
    if (job.data.name === 'hopeless') throw new Error('never');
    return job.data.name.length;
  });
  const run = async (prepare) => {
    const job = prepare();
    const end = Promise.race([event(job, 'succeeded').then(([result]) => result), event(job, 'failed').then(([error]) => error)]);
    await job.save();
    return { job, result: await end };
  };
  const progress = event(queue, 'job progress');
  assert.equal((await run(() => queue.createJob({ name: 'plain' }))).result, 5);
  assert.deepEqual((await progress)[1], { half: true });
  const retried = event(queue, 'job retrying');
  assert.equal((await run(() => queue.createJob({ name: 'flaky' }).retries(3).backoff('fixed', 20))).result, 5);
  await retried;
  assert.equal(done.filter((name) => name === 'flaky').length, 3);
  assert.match((await run(() => queue.createJob({ name: 'hopeless' }))).result.message, /never/);
  const began = Date.now();
  await run(() => queue.createJob({ name: 'delayed' }).delayUntil(Date.now() + 150));
  assert.ok(Date.now() - began >= 149);
  const [failed, succeeded] = [await queue.getJobs('failed', { size: 10 }), await queue.getJobs('succeeded', { size: 10 })];
  assert.deepEqual([failed.length, succeeded.length], [1, 3]);
  await queue.removeJob(failed[0].id);
  assert.deepEqual(await queue.saveAll([queue.createJob({ name: 'a' }), queue.createJob({ name: 'b' })]).then((errors) => errors.size), 0);
  await until(() => done.includes('a') && done.includes('b'), 'both');
  assert.equal(await queue.checkStalledJobs(), 0);
  await until(async () => (await queue.checkHealth()).succeeded === 5, 'five that succeeded');
  assert.deepEqual((({ waiting, active, failed, delayed }) => [waiting, active, failed, delayed])(await queue.checkHealth()), [0, 0, 0, 0]);
  await queue.close();
});

test('RSMQ', LIMIT, async (t) => {
  const { redis } = await serve(t);
  const queue = new RSMQ({ ...redis, realtime: true });
  await event(queue, 'connect');
  assert.equal(await queue.createQueueAsync({ qname: 'q', vt: 30 }), 1);
  await assert.rejects(queue.createQueueAsync({ qname: 'q' }), /exists/);
  const id = await queue.sendMessageAsync({ qname: 'q', message: 'hello' });
  await queue.sendMessageAsync({ qname: 'q', message: 'later', delay: 60 });
  const got = await queue.receiveMessageAsync({ qname: 'q' });
  assert.deepEqual([got.id, got.message, got.rc], [id, 'hello', 1]);
  assert.deepEqual(await queue.receiveMessageAsync({ qname: 'q' }), {});
  assert.equal(await queue.changeMessageVisibilityAsync({ qname: 'q', id, vt: 0 }), 1);
  assert.equal((await queue.receiveMessageAsync({ qname: 'q', vt: 0 })).rc, 2);
  assert.equal((await queue.popMessageAsync({ qname: 'q' })).rc, 3);
  assert.equal(await queue.deleteMessageAsync({ qname: 'q', id }), 0);
  assert.deepEqual((({ msgs, hiddenmsgs, totalsent, totalrecv }) => [msgs, hiddenmsgs, totalsent, totalrecv])(await queue.getQueueAttributesAsync({ qname: 'q' })), [1, 1, 2, 3]);
  assert.equal((await queue.setQueueAttributesAsync({ qname: 'q', vt: 5 })).vt, 5);
  assert.deepEqual(await queue.listQueuesAsync(), ['q']);
  assert.equal(await queue.deleteQueueAsync({ qname: 'q' }), 1);
  await new Promise((resolve) => queue.quit(resolve));
});

test('redlock', LIMIT, async () => {
  const clients = await Promise.all([1, 2, 3].map(async () => new Redis((await open()).connection)));
  const locks = new Redlock(clients, { retryCount: 0, automaticExtensionThreshold: 800 });
  let lock = await locks.acquire(['a', 'b'], 5000);
  await assert.rejects(locks.acquire(['b'], 100), ExecutionError);
  lock = await lock.extend(10_000);
  assert.ok((await clients[0].pttl('a')) > 5000);
  await lock.release();
  assert.equal(await clients[0].exists('a', 'b'), 0);
  const short = await locks.acquire(['a'], 30);
  await sleep(50);
  await assert.rejects(short.extend(100), /extend an already-expired lock|quorum/);
  // A lock that is held for longer than it was asked for is extended on the way.
  const result = await locks.using(['job'], 1000, async (signal) => {
    await sleep(1200);
    assert.equal(signal.aborted, false);
    assert.equal(await clients[1].exists('job'), 1);
    return 'done';
  });
  assert.equal(result, 'done');
  assert.equal(await clients[1].exists('job'), 0);

  const older = new Redlock4(clients, { retryCount: 0 });
  const held = await older.lock(['x', 'y'], 5000);
  await assert.rejects(older.lock('x', 100), /[Ee]xceeded 0 attempts/);
  await (await held.extend(9000)).unlock();
  assert.equal(await clients[2].exists('x', 'y'), 0);
  for (const client of clients) client.disconnect();
});

test('rate-limiter-flexible', LIMIT, async (t) => {
  const { connection } = await open();
  const ioredis = new Redis(connection);
  const nodeRedis = createClient({ socket: (await serve(t)).redis });
  await nodeRedis.connect();
  for (const options of [{ storeClient: ioredis }, { storeClient: nodeRedis, useRedisPackage: true }]) {
    const limiter = new RateLimiterRedis({ ...options, points: 3, duration: 10, blockDuration: 20 });
    assert.equal((await limiter.consume('user')).remainingPoints, 2);
    assert.equal((await limiter.consume('user', 2)).remainingPoints, 0);
    const refused = await limiter.consume('user').catch((error) => error);
    assert.ok(refused instanceof RateLimiterRes, String(refused));
    assert.ok(refused.msBeforeNext > 10_000 && refused.msBeforeNext <= 20_000, `${refused.msBeforeNext}`);
    assert.equal((await limiter.get('user')).consumedPoints, 4);
    assert.equal((await limiter.reward('user', 3)).consumedPoints, 1);
    assert.equal((await limiter.penalty('user')).consumedPoints, 2);
    assert.equal(await limiter.delete('user'), true);
    assert.equal(await limiter.get('user'), null);
    await limiter.block('bad', 5);
    assert.equal((await limiter.get('bad')).remainingPoints, 0);
    assert.equal((await limiter.set('given', 2, 60)).consumedPoints, 2);
    const brief = new RateLimiterRedis({ ...options, keyPrefix: 'brief', points: 1, duration: 1 });
    await brief.consume('k');
    await assert.rejects(brief.consume('k'));
    await sleep(1050);
    await brief.consume('k');
  }
  const storeClient = ioredis;
  const bursty = new BurstyRateLimiter(new RateLimiterRedis({ storeClient, keyPrefix: 'steady', points: 1, duration: 10 }), new RateLimiterRedis({ storeClient, keyPrefix: 'burst', points: 1, duration: 20 }));
  await bursty.consume('u');
  await bursty.consume('u');
  await assert.rejects(bursty.consume('u'));
  const line = new RateLimiterQueue(new RateLimiterRedis({ storeClient, keyPrefix: 'line', points: 1, duration: 1 }));
  const began = Date.now();
  await line.removeTokens(1);
  await line.removeTokens(1);
  assert.ok(Date.now() - began >= 900);
  nodeRedis.destroy();
  ioredis.disconnect();
});

test('@upstash/ratelimit', LIMIT, async (t) => {
  const redis = new Upstash(requester(await Engine.open()));
  const outcome = async (ratelimit, who, times) => {
    const found = [];
    for (let n = 0; n < times; n++) found.push((await ratelimit.limit(who)).success);
    return found;
  };
  for (const [name, limiter] of Object.entries({
    fixed: Ratelimit.fixedWindow(2, '60 s'),
    sliding: Ratelimit.slidingWindow(2, '60 s'),
    bucket: Ratelimit.tokenBucket(1, '60 s', 2),
    cached: Ratelimit.cachedFixedWindow(2, '60 s'),
  })) {
    const ratelimit = new Ratelimit({ redis, limiter, prefix: name, ephemeralCache: name === 'cached' ? new Map() : false, analytics: true });
    assert.deepEqual(await outcome(ratelimit, 'user', 3), [true, true, false], name);
    assert.deepEqual(await outcome(ratelimit, 'other', 1), [true], name);
    assert.equal((await ratelimit.getRemaining('other')).remaining, 1, name);
    await ratelimit.resetUsedTokens('user');
    assert.deepEqual(await outcome(ratelimit, 'user', 1), [true], name);
    assert.equal((await ratelimit.limit('many', { rate: 3 })).success, false, name);
  }
  const brief = new Ratelimit({ redis, limiter: Ratelimit.tokenBucket(1, '200 ms', 1), prefix: 'brief', ephemeralCache: false });
  assert.deepEqual(await outcome(brief, 'user', 2), [true, false]);
  assert.equal((await brief.blockUntilReady('user', 5000)).success, true);
  const changed = new Ratelimit({ redis, limiter: Ratelimit.fixedWindow(1, '60 s'), prefix: 'changed', ephemeralCache: false, dynamicLimits: true });
  await changed.setDynamicLimit({ limit: 2 });
  assert.deepEqual(await outcome(changed, 'user', 3), [true, true, false]);
  const guarded = new Ratelimit({ redis, limiter: Ratelimit.fixedWindow(9, '60 s'), prefix: 'guarded', ephemeralCache: false, enableProtection: true });
  // The list of bad addresses would come from the network.
  t.mock.method(globalThis, 'fetch', async () => new Response('192.0.2.1\n192.0.2.2\n'));
  await redis.sadd('guarded:denyList:all', 'bad');
  assert.equal((await guarded.limit('bad')).reason, 'denyList');
  const first = await guarded.limit('good');
  assert.equal(first.success, true);
  await first.pending;
  assert.equal((await guarded.limit('good', { ip: '192.0.2.2' })).reason, 'denyList');

  const regions = await Promise.all([1, 2].map(async () => new Upstash(requester(await Engine.open()))));
  for (const limiter of [MultiRegionRatelimit.fixedWindow(2, '60 s'), MultiRegionRatelimit.slidingWindow(2, '60 s')]) {
    const everywhere = new MultiRegionRatelimit({ redis: regions, limiter, prefix: 'regions', ephemeralCache: false });
    const first = await everywhere.limit('user');
    await first.pending;
    assert.equal(first.success, true);
    await everywhere.resetUsedTokens('user');
  }
});

test('Keyv', LIMIT, async (t) => {
  const { engine, redis } = await serve(t);
  const url = `redis://${redis.host}:${redis.port}`;
  const store = new KeyvRedis(url);
  const users = new Keyv({ store, namespace: 'users' });
  const carts = new Keyv({ store: new KeyvRedis(url, { namespace: 'carts', keyPrefixSeparator: ':' }), useKeyPrefix: false });
  const failures = [];
  users.on('error', (error) => failures.push(error));
  assert.equal(await users.set('ada', { name: 'Ada', tags: ['a', 'b'] }), true);
  assert.deepEqual(await users.get('ada'), { name: 'Ada', tags: ['a', 'b'] });
  assert.equal(await users.get('nobody'), undefined);
  assert.equal(await users.has('ada'), true);
  await users.set('short', 'v', 60_000);
  const [short] = engine.keys('*short');
  assert.ok(engine.pttl(short) > 50_000);
  await users.setMany([{ key: 'x', value: 1 }, { key: 'y', value: 2 }]);
  assert.deepEqual(await users.getMany(['x', 'none', 'y']), [1, undefined, 2]);
  const found = [];
  for await (const [key] of users.iterator()) found.push(key);
  assert.deepEqual(found.sort(), ['ada', 'short', 'x', 'y']);
  assert.equal(await users.delete('ada'), true);
  assert.equal(await users.deleteMany(['x', 'y']), true);
  await carts.set('1', ['apple']);
  await users.clear();
  assert.equal(await users.get('short'), undefined);
  assert.deepEqual(await carts.get('1'), ['apple']);
  const own = createKeyv(url);
  await own.set('k', 'v', 5);
  await until(async () => (await own.get('k')) === undefined, 'the end of a short life');
  assert.deepEqual(failures, []);
  await Promise.all([users, carts, own].map((keyv) => keyv.disconnect()));
});

test('connect-redis', LIMIT, async (t) => {
  const { engine, redis } = await serve(t);
  const client = createClient({ socket: redis });
  await client.connect();
  t.after(() => client.destroy());
  const store = new RedisStore({ client, prefix: 'sess:', ttl: 600 });
  // As express-session calls it: with callbacks.
  const call = (method, ...args) => new Promise((resolve, reject) => store[method](...args, (error, data) => (error ? reject(error) : resolve(data))));
  const session = { cookie: { originalMaxAge: null, expires: null }, user: 'Ada', views: 1 };
  await call('set', 'one', session);
  assert.deepEqual(await call('get', 'one'), session);
  assert.equal(engine.ttl('sess:one'), 600);
  engine.expire('sess:one', 10);
  await call('touch', 'one', session);
  assert.equal(engine.ttl('sess:one'), 600);
  await call('set', 'two', { ...session, cookie: { expires: new Date(Date.now() + 60_000) } });
  assert.ok(engine.ttl('sess:two') <= 60);
  assert.equal(await call('length'), 2);
  assert.deepEqual((await call('ids')).sort(), ['one', 'two']);
  assert.deepEqual((await call('all')).map(({ id, user }) => [id, user]).sort(), [['one', 'Ada'], ['two', 'Ada']]);
  await call('destroy', 'one');
  assert.equal(await call('get', 'one'), null);
  // One that has ended already is none.
  await call('set', 'two', { ...session, cookie: { expires: new Date(0) } });
  assert.equal(engine.exists('sess:two'), 0);
  await call('set', 'three', session);
  engine.set('other', 'stays');
  await call('clear');
  assert.deepEqual(engine.keys('*'), ['other']);
});
