/** Caching: a slow source behind a cache whose entries live for a while, and how often the cache has the answer. */

import { count, h } from '../kit/dom.ts';
import { Figures, type Panel, type PanelSpec } from '../kit/panel.ts';
import { Plot } from '../kit/plot.ts';

const PREFIX = 'demo:cache:product:';
const PRODUCTS = 60;
/** The hit rate is that of the last requests. */
const WINDOW = 40;
const LIVES = { '2 s': 2, '5 s': 5, '15 s': 15, '1 min': 60 };

export const cache: PanelSpec = {
  id: 'cache',
  title: 'Caching',
  note: 'GET, else SET … EX',
  span: 2,
  moves: true,
  start(panel: Panel) {
    const { store } = panel;
    const figures = new Figures(['hit rate', 'from cache', 'from source', 'requests']);
    panel.body.append(figures.root);
    const plot = new Plot(panel.body, { name: 'Hit rate over time', lines: [{ label: 'hit rate', color: 'accent', fill: true }], height: 150, points: 80, range: [0, 100], format: (value) => `${value}%` });
    const feed = h('div', { class: 'squares', role: 'img', 'aria-label': `The last ${WINDOW} requests: hits are filled` });
    for (let i = 0; i < WINDOW; i++) feed.append(h('i'));
    panel.body.append(feed);

    let life = 15;
    let asked = 0;
    const recent: boolean[] = [];
    const took = { hit: 0, miss: 0 };

    async function request(): Promise<void> {
      // A few products are asked for again and again, most of them seldom.
      const id = Math.floor(PRODUCTS * Math.random() ** 2.5);
      const start = performance.now();
      let page = await panel.run<string | null>('GET', PREFIX + id);
      const isHit = page !== null;
      if (page === null) {
        page = await source(id);
        await panel.run('SET', PREFIX + id, page, 'EX', life);
      }
      const ms = performance.now() - start;
      const kind = isHit ? 'hit' : 'miss';
      took[kind] = took[kind] ? took[kind] * 0.9 + ms * 0.1 : ms;
      asked++;
      recent.push(isHit);
      if (recent.length > WINDOW) recent.shift();
      draw();
    }

    function draw(): void {
      const rate = (100 * recent.filter(Boolean).length) / Math.max(1, recent.length);
      figures.show('hit rate', `${rate.toFixed(0)} %`);
      if (took.hit) figures.show('from cache', `${took.hit.toFixed(1)} ms`);
      if (took.miss) figures.show('from source', `${took.miss.toFixed(0)} ms`);
      figures.show('requests', count(asked));
      plot.push(rate);
      recent.forEach((isHit, i) => (feed.children[i]!.className = isHit ? 'hit' : 'miss'));
    }

    async function empty(): Promise<void> {
      const keys = Array.from({ length: PRODUCTS }, (_, id) => PREFIX + id);
      await store.call('UNLINK', ...keys);
      panel.say(`UNLINK ${PREFIX}*`);
    }

    const lives = h('select', { 'aria-label': 'How long an entry lives', onchange: () => (life = Number(lives.value)) }, ...Object.entries(LIVES).map(([label, seconds]) => h('option', { value: seconds }, label)));
    lives.value = String(life);
    panel.body.append(
      h('div', { class: 'row' }, panel.button('Ask 10 times', async () => {
        for (let i = 0; i < 10; i++) await request();
      }), panel.button('Empty it', empty), h('label', { class: 'push' }, 'lives ', lives)),
    );
    panel.every(140, request);
  },
};

/** Stands for a database query. */
async function source(id: number): Promise<string> {
  await new Promise((done) => setTimeout(done, 60 + Math.random() * 80));
  return JSON.stringify({ id, name: `Product ${id}`, price: 5 + ((id * 37) % 90) });
}
