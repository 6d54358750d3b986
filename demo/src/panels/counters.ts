/** Counters: who came on which day as a bitmap, and how many different visitors there were in 12 kB at most. */

import { bytes, count, h } from '../kit/dom.ts';
import { Figures, type Panel, type PanelSpec } from '../kit/panel.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const USERS = 24;
const dayKey = (day: number) => `demo:days:${DAYS[day]}`;
const HLL = 'demo:visitors:hll';
const EXACT = 'demo:visitors:set';

export const counters: PanelSpec = {
  id: 'counters',
  title: 'Counters',
  note: 'SETBIT, BITOP, PFADD, live',
  span: 2,
  moves: true,
  async start(panel: Panel) {
    const { store } = panel;
    const grid = h('div', { class: 'days', role: 'group', 'aria-label': `Which of ${USERS} users came on which day` });
    const cells: HTMLButtonElement[][] = [];
    const sums: HTMLElement[] = [];
    DAYS.forEach((name, day) => {
      const row = h('div', { class: 'day' }, h('span', {}, name));
      cells.push(
        Array.from({ length: USERS }, (_, user) => {
          // One stop of the Tab key for the whole grid; the arrow keys go on from there.
          const cell = h('button', { type: 'button', tabindex: day + user === 0 ? 0 : -1, 'aria-label': `User ${user}, ${name}`, onclick: () => toggle(day, user) });
          row.append(cell);
          return cell;
        }),
      );
      sums.push(h('output', {}, '0'));
      row.append(sums[day]!);
      grid.append(row);
    });
    grid.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      const day = cells.findIndex((row) => row.includes(event.target as HTMLButtonElement));
      if (!by || day < 0) return;
      event.preventDefault();
      cells[day + by[0]!]?.[cells[day]!.indexOf(event.target as HTMLButtonElement) + by[1]!]?.focus();
    });
    const week = new Figures(['came every day', 'came at all']);
    const visitors = new Figures(['PFCOUNT', 'exact', 'off by']);
    const sizes = h('p', { class: 'hint-text' }, '\u00a0');
    panel.body.append(grid, week.root, h('h3', {}, 'Different visitors'), visitors.root, sizes);

    async function toggle(day: number, user: number): Promise<void> {
      const was = await store.call<number>('GETBIT', dayKey(day), user);
      await panel.run('SETBIT', dayKey(day), user, 1 - was);
    }

    /** A day as it is now: its bits, as the string that they are. */
    function drawDay(day: number, bits = new Uint8Array()): void {
      const came = cells[day]!.map((cell, user) => {
        const isHit = ((bits[user >> 3] ?? 0) & (0x80 >> (user & 7))) !== 0;
        cell.classList.toggle('hit', isHit);
        return isHit;
      });
      sums[day]!.textContent = String(came.filter(Boolean).length);
      drawWeek();
    }

    const drawWeek = panel.soon(async () => {
      const keys = DAYS.map((_, day) => dayKey(day));
      await store.all(['BITOP', 'AND', 'demo:days:every', ...keys], ['BITOP', 'OR', 'demo:days:any', ...keys]);
      const [every, any] = await store.all<[number, number]>(['BITCOUNT', 'demo:days:every'], ['BITCOUNT', 'demo:days:any']);
      week.show('came every day', String(every));
      week.show('came at all', String(any));
    });

    async function visit(howMany: number): Promise<void> {
      // Some come again: the same names are counted once.
      const names = Array.from({ length: howMany }, () => `visitor:${Math.floor(Math.random() ** 1.5 * 100_000)}`);
      panel.say('PFADD', HLL, names[0]!, '…', howMany);
      await store.all(['PFADD', HLL, ...names], ['SADD', EXACT, ...names]);
    }

    async function drawVisitors(): Promise<void> {
      const [guess, exact, small, large] = await store.all<number[]>(['PFCOUNT', HLL], ['SCARD', EXACT], ['MEMORY', 'USAGE', HLL], ['MEMORY', 'USAGE', EXACT, 'SAMPLES', 5]);
      visitors.show('PFCOUNT', count(guess!));
      visitors.show('exact', count(exact!));
      visitors.show('off by', `${((100 * Math.abs(guess! - exact!)) / Math.max(1, exact!)).toFixed(2)} %`);
      sizes.textContent = `${bytes(small ?? 0)} as a HyperLogLog, ${bytes(large ?? 0)} as a set.`;
    }

    panel.body.append(h('div', { class: 'row' }, panel.button('1,000 visitors', () => visit(1000)), panel.button('Clear', async () => {
      await panel.run('DEL', HLL, EXACT, ...DAYS.map((_, day) => dayKey(day)));
      await visit(1);
    })));
    const [already] = await store.all<[number]>(['EXISTS', dayKey(0)]);
    if (!already) {
      const marks = DAYS.flatMap((_, day) => Array.from({ length: USERS }, (_, user) => [day, user] as const)).filter(([day, user]) => user % 7 === 3 || Math.random() < (day > 4 ? 0.25 : 0.5));
      await store.all(...marks.map(([day, user]) => ['SETBIT', dayKey(day), user, 1]));
    }
    await Promise.all(DAYS.map((_, day) => panel.follow<Uint8Array<ArrayBuffer>>(['GETRANGE', dayKey(day), '0', '2'], (bits) => drawDay(day, bits), { bytes: true })));
    const soon = panel.soon(drawVisitors);
    await panel.follow(['SCARD', EXACT], soon);
    await visit(500);
    panel.every(900, () => visit(60));
  },
};
