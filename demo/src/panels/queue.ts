/** A job queue: BullMQ itself, with two workers in this page, retries with growing pauses, and priorities. */

import { count, h, pick } from '../kit/dom.ts';
import { Figures, type Panel, type PanelSpec } from '../kit/panel.ts';
import { Plot } from '../kit/plot.ts';

const NAME = 'demo-jobs';
const CARDS = 6;
const TASKS = ['resize', 'upload', 'mail', 'report', 'index'];
const COLUMNS = { waiting: 'Waiting', active: 'Active', delayed: 'To retry', completed: 'Done', failed: 'Given up' } as const;
type State = keyof typeof COLUMNS;

interface Work {
  /** How often it fails before it succeeds. */
  fails: number;
  ms: number;
}

export const queue: PanelSpec = {
  id: 'queue',
  title: 'Job queue',
  note: 'BullMQ in this page, unchanged',
  span: 6,
  moves: true,
  async start(panel: Panel) {
    const { store } = panel;
    const figures = new Figures(['added', 'done', 'retried', 'given up']);
    const lanes = h('div', { class: 'lanes' });
    const parts = new Map<State, { total: HTMLElement; cards: HTMLElement[] }>();
    for (const [state, title] of Object.entries(COLUMNS) as [State, string][]) {
      const total = h('output', {}, '0');
      const cards = Array.from({ length: CARDS }, () => h('div', { class: 'card empty' }, '\u00a0'));
      parts.set(state, { total, cards });
      lanes.append(h('div', { class: `lane ${state}`, 'data-state': state }, h('h3', {}, title, ' ', total), ...cards));
    }
    const plotHost = h('div', { class: 'grow' });
    panel.body.append(figures.root, h('div', { class: 'two wide-left' }, lanes, plotHost));
    const plot = new Plot(plotHost, { name: 'Jobs a second', lines: [{ label: 'done / s', color: 'text', fill: true }, { label: 'retried / s', color: 'amber' }], height: 170, points: 60 });

    const buttons = h(
      'div',
      { class: 'row' },
      panel.button('Add one', () => add(1), { class: 'primary' }),
      panel.button('Add 20', () => add(20)),
      panel.button('One that fails twice', () => add(1, () => 2)),
      panel.button('One that never works', () => add(1, () => 99, 200)),
      panel.button('100 quick ones', () => add(100, () => 0, 5)),
    );
    panel.body.append(buttons);
    const sum = { added: 0, done: 0, retried: 0, failed: 0 };
    const opened = open();

    /** The queue and its two workers; BullMQ is loaded when the panel comes near the screen. */
    async function open() {
      await panel.near;
      const { connection, Queue, Worker } = await import('../kit/bull.ts');
      for (const id of [1, 2]) {
        const worker = new Worker<Work>(
          NAME,
          async (job) => {
            await new Promise((wait) => setTimeout(wait, job.data.ms));
            if (job.attemptsMade < job.data.fails) throw new Error(`attempt ${job.attemptsMade + 1} failed`);
            return `by worker ${id}`;
          },
          { connection: connection(store), concurrency: 2, stalledInterval: 10_000 },
        );
        worker.on('completed', () => sum.done++);
        worker.on('failed', (job) => (job && job.attemptsMade < (job.opts.attempts ?? 1) ? sum.retried++ : sum.failed++));
        worker.on('error', (error) => panel.fail(error));
      }
      return new Queue<Work>(NAME, {
        connection: connection(store),
        defaultJobOptions: { attempts: 4, backoff: { type: 'exponential', delay: 700 }, removeOnComplete: 200, removeOnFail: 50 },
      });
    }

    async function add(howMany: number, fails: () => number = () => (Math.random() < 0.2 ? 1 : 0), ms = 500): Promise<void> {
      const jobs = await opened;
      const work = Array.from({ length: howMany }, () => ({ name: pick(TASKS), data: { fails: fails(), ms: ms * (0.5 + Math.random()) } }));
      panel.say(`queue.add('${work[0]!.name}', …, { attempts: 4, backoff: exponential })`);
      await jobs.addBulk(work);
      sum.added += howMany;
    }

    const draw = async () => {
      const jobs = await opened;
      const states = Object.keys(COLUMNS) as State[];
      const counts = await jobs.getJobCounts(...states);
      for (const state of states) {
        const { total, cards } = parts.get(state)!;
        total.textContent = count(counts[state] ?? 0);
        const shown = counts[state] ? await jobs.getJobs([state], 0, CARDS - 1, state === 'waiting') : [];
        cards.forEach((card, i) => {
          const job = shown[i];
          card.classList.toggle('empty', !job);
          card.textContent = job ? `#${job.id} ${job.name}` : '\u00a0';
          if (job && job.attemptsMade > (state === 'completed' ? 1 : 0)) card.append(h('b', { title: 'attempts' }, ` ×${job.attemptsMade}`));
        });
      }
      figures.show('added', count(sum.added));
      figures.show('done', count(sum.done));
      figures.show('retried', count(sum.retried));
      figures.show('given up', count(sum.failed));
    };

    await draw();
    panel.every(1000, () => add(Math.random() < 0.5 ? 1 : 2));
    panel.every(250, draw, { paused: true });
    let before = { ...sum };
    panel.every(1000, () => {
      plot.push(sum.done - before.done, sum.retried - before.retried);
      before = { ...sum };
    }, { paused: true });
  },
};
