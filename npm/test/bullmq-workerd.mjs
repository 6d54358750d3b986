/** BullMQ inside workerd, unchanged: a queue, its jobs and its worker in a Durable Object's own engine. */
import { equal } from './cases.mjs';
import { worker } from './workers.mjs';

const contents = `
import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq';
import { RedisObject } from 'redstart/durable-object';
import { connector } from 'redstart/ioredis';

export class Jobs extends RedisObject {
  get connection() {
    return { Connector: connector(this.engine), maxRetriesPerRequest: null };
  }
  async run() {
    const done = [];
    const events = new QueueEvents('paint', { connection: this.connection });
    await events.waitUntilReady();
    const heard = [];
    events.on('completed', ({ jobId }) => heard.push(jobId));
    const queue = new Queue('paint', { connection: this.connection });
    const worker = new Worker('paint', async (job) => {
      done.push([job.name, job.attemptsMade]);
      if (job.name === 'flaky' && job.attemptsMade < 1) throw new Error('not yet');
      return job.data.colour + '!';
    }, { connection: this.connection });
    const jobs = await queue.addBulk([
      { name: 'wall', data: { colour: 'red' } },
      { name: 'late', data: { colour: 'blue' }, opts: { delay: 300 } },
      { name: 'flaky', data: { colour: 'green' }, opts: { attempts: 2, backoff: { type: 'fixed', delay: 50 } } },
    ]);
    const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 8000)));
    const counts = await queue.getJobCounts('completed', 'failed', 'waiting', 'delayed');
    for (let i = 0; i < 100 && heard.length < 3; i++) await new Promise((next) => setTimeout(next, 10));
    await Promise.all([worker.close(), queue.close(), events.close()]);
    return { results, counts, done: done.map(String).sort(), heard: heard.length };
  }
  /** Schedulers, priorities, a limit on the rate, flows. */
  async more() {
    const { connection } = this;
    const until = async (holds) => {
      for (let i = 0; i < 1000 && !holds(); i++) await new Promise((next) => setTimeout(next, 10));
    };
    const queue = new Queue('more', { connection });
    const events = new QueueEvents('more', { connection });
    await events.waitUntilReady();
    const done = [];
    const work = async (job) => {
      done.push(job.name);
      return job.name === 'house' ? Object.values(await job.getChildrenValues()).sort() : job.name.toUpperCase();
    };
    const worker = new Worker('more', work, { connection });
    await queue.upsertJobScheduler('tick', { every: 40 }, { name: 'tick' });
    await until(() => done.length >= 2);
    const schedulers = (await queue.getJobSchedulers()).length;
    const removed = await queue.removeJobScheduler('tick');
    const flows = new FlowProducer({ connection });
    const child = (name) => ({ name, queueName: 'more' });
    const tree = await flows.add({ ...child('house'), children: [child('door'), { ...child('wall'), children: [child('brick')] }] });
    const house = await tree.job.waitUntilFinished(events, 8000);
    await worker.close();
    await queue.pause();
    const ticks = done.splice(0);
    for (const priority of [3, 1, 2]) await queue.add(String(priority), {}, { priority });
    const single = new Worker('more', work, { connection, concurrency: 1 });
    await queue.resume();
    await until(() => done.length === 3);
    await single.close();
    const slow = new Queue('slow', { connection });
    const times = [];
    const limited = new Worker('slow', async () => void times.push(Date.now()), { connection, limiter: { max: 1, duration: 100 } });
    await slow.addBulk([1, 2, 3].map((n) => ({ name: 'n', data: { n } })));
    await until(() => times.length === 3);
    await Promise.all([limited.close(), slow.close(), flows.close(), events.close(), queue.close()]);
    return { ticked: ticks.filter((name) => name === 'tick').length >= 2, schedulers, removed, house, bricksFirst: ticks.indexOf('brick') < ticks.indexOf('wall'), order: done, apart: times[2] - times[0] };
  }
  die() {
    this.ctx.abort('as if the machine had gone');
  }
  async again() {
    const queue = new Queue('paint', { connection: this.connection });
    const counts = await queue.getJobCounts('completed');
    const [job] = await queue.getCompleted(0, 0);
    await queue.close();
    return [counts.completed, typeof job.returnvalue];
  }
}
export default {
  async fetch(request, env) {
    const stub = () => env.JOBS.get(env.JOBS.idFromName('a'));
    try {
      const ran = await stub().run();
      ran.more = await stub().more();
      await stub().die().catch(() => {});
      return Response.json({ ...ran, again: await stub().again() });
    } catch (error) {
      return Response.json({ error: String(error?.stack ?? error) });
    }
  },
};`;

const prefixed = {
  name: 'prefixed',
  setup(b) {
    // Without the prefix workerd does not know Node's modules.
    b.onResolve({ filter: /^(assert|buffer|child_process|crypto|dns|events|fs|net|os|path|stream|string_decoder|tls|tty|url|util|worker_threads|zlib)$/ }, ({ path }) => ({ path: `node:${path}`, external: true }));
  },
};
const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire('/worker.mjs'); const __filename = '/worker.mjs', __dirname = '/';" };
const miniflare = await worker({ contents, plugins: [prefixed], platform: 'node', banner }, {
  compatibilityFlags: ['nodejs_compat'],
  durableObjects: { JOBS: { className: 'Jobs', useSQLite: true } },
});
let failed = 1;
try {
  const got = await (await miniflare.dispatchFetch('http://localhost/')).json();
  if (got.error) throw new Error(got.error);
  equal(got.results, ['red!', 'blue!', 'green!']);
  equal(got.counts, { completed: 3, failed: 0, waiting: 0, delayed: 0 });
  equal(got.done, ['flaky,0', 'flaky,1', 'late,0', 'wall,0']);
  equal(got.heard, 3);
  const { apart, ...more } = got.more;
  equal(more, { ticked: true, schedulers: 1, removed: true, house: ['DOOR', 'WALL'], bricksFirst: true, order: ['1', '2', '3'] });
  if (apart < 190) throw new Error(`three jobs in ${apart} ms`);
  equal(got.again, [3, 'string']);
  console.log('bullmq in workerd: passed');
  failed = 0;
} catch (error) {
  console.log(`bullmq in workerd: ${error.stack}`);
} finally {
  await miniflare.dispose();
}
process.exit(failed);
