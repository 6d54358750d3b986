/** The leaderboard: a sorted set, and a live query that gives the best whenever they are others. */

import { count, h, pick } from '../kit/dom.ts';
import type { Panel, PanelSpec } from '../kit/panel.ts';

const KEY = 'demo:board';
const ROWS = 7;
const ROW_REM = 2.5;
const PLAYERS = { Ada: 920, Grace: 810, Edsger: 690, Barbara: 640, Radia: 530, Donald: 470, Lynn: 440, Hedy: 390, Ken: 350 };

interface Row {
  row: HTMLLIElement;
  place: HTMLElement;
  bar: HTMLElement;
  score: HTMLElement;
}

export const board: PanelSpec = {
  id: 'board',
  title: 'Leaderboard',
  note: 'ZINCRBY, a live ZRANGE',
  span: 2,
  moves: true,
  async start(panel: Panel) {
    const { store } = panel;
    const list = h('ol', { class: 'board', id: 'board-rows' });
    list.style.height = `${ROWS * ROW_REM}rem`;
    panel.body.append(list);
    const rows = new Map<string, Row>();
    const score = (name: string, points: number) => panel.run('ZINCRBY', KEY, points, name);

    function make(name: string): Row {
      const made: Row = { row: h('li'), place: h('span', { class: 'place' }), bar: h('i'), score: h('span', { class: 'score' }) };
      made.row.append(made.place, h('span', { class: 'name' }, name), h('span', { class: 'track' }, made.bar), made.score, panel.button('+100', () => score(name, 100), { 'aria-label': `100 points for ${name}` }));
      list.append(made.row);
      return made;
    }

    function draw(top: [string, number][] = []): void {
      const best = top[0]?.[1] ?? 1;
      const seen = new Set<string>();
      top.forEach(([name, points], i) => {
        seen.add(name);
        let parts = rows.get(name);
        if (!parts) {
          parts = make(name);
          rows.set(name, parts);
        }
        parts.row.style.transform = `translateY(${i * ROW_REM}rem)`;
        parts.row.classList.remove('gone');
        parts.place.textContent = String(i + 1);
        parts.bar.style.width = `${Math.max(2, (100 * points) / best)}%`;
        parts.score.textContent = count(points);
      });
      for (const [name, { row }] of rows) {
        if (seen.has(name)) continue;
        row.style.transform = `translateY(${ROWS * ROW_REM}rem)`;
        row.classList.add('gone');
      }
    }

    await store.call('ZADD', KEY, 'NX', ...Object.entries(PLAYERS).flatMap(([name, points]) => [points, name]));
    await panel.follow<[string, number][]>(['ZRANGE', KEY, '0', String(ROWS - 1), 'REV', 'WITHSCORES'], draw);
    panel.every(1100, () => score(pick(Object.keys(PLAYERS)), 5 * Math.ceil(Math.random() * 14)));
  },
};
