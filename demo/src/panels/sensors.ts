/** Sensors: readings in a stream, handled by a consumer group. A consumer that dies leaves its work to the other. */

import { count, h } from '../kit/dom.ts';
import { Figures, type Panel, type PanelSpec } from '../kit/panel.ts';
import { Plot } from '../kit/plot.ts';
import { Table } from '../kit/table.ts';

const KEY = 'demo:sensors';
const GROUP = 'alarms';
const SENSORS = { cellar: 12, kitchen: 21, roof: 17, garden: 15 };
const COLORS = ['number', 'accent', 'text', 'amber'];
const CONSUMERS = ['alpha', 'beta'] as const;
const CLAIM_MS = 3000;

type Entry = [id: string, fields: string[]];
interface Group {
  lag: number | null;
  pending: number;
}

export const sensors: PanelSpec = {
  id: 'sensors',
  title: 'Sensors',
  note: 'XADD, XREADGROUP, XACK, XAUTOCLAIM',
  span: 4,
  moves: true,
  async start(panel: Panel) {
    const { store } = panel;
    const figures = new Figures(['readings', 'lag', 'pending', 'taken over']);
    const left = h('div', { class: 'grow' });
    const right = h('div', { class: 'side' });
    panel.body.append(figures.root, h('div', { class: 'two' }, left, right));
    const plot = new Plot(left, { name: 'Temperatures', lines: Object.keys(SENSORS).map((label, i) => ({ label, color: COLORS[i]! })), height: 240, points: 90, range: [5, 35], format: (value) => `${value}°` });
    const table = new Table(['Consumer', '>done', '>pending'], CONSUMERS.length, 'Consumers');
    right.append(table.root);

    const done = { alpha: 0, beta: 0 };
    const alive = { alpha: true, beta: true };
    let takenOver = 0;
    const names: string[] = Object.keys(SENSORS);
    const at: number[] = Object.values(SENSORS);
    const latest: (number | null)[] = at.map(() => null);

    async function measure(): Promise<void> {
      const commands = names.map((name, i) => {
        at[i] = Math.max(7, Math.min(33, at[i]! + (Math.random() - 0.5) * 1.6 + (Object.values(SENSORS)[i]! - at[i]!) * 0.04));
        return ['XADD', KEY, 'MAXLEN', '~', 1000, '*', 'sensor', name, 'celsius', at[i]!.toFixed(1)];
      });
      panel.say(...commands[0]!);
      await store.all(...commands);
    }

    /** What is done with a reading: it goes to the plot, and is acknowledged. */
    async function handle(who: (typeof CONSUMERS)[number], entries: Entry[]): Promise<void> {
      if (entries.length === 0) return;
      for (const [, fields] of entries) latest[names.indexOf(fields[1]!)] = Number(fields[3]);
      await new Promise((wait) => setTimeout(wait, 60));
      // One that died in between has read, and acknowledges nothing.
      if (!alive[who]) return;
      await store.call('XACK', KEY, GROUP, ...entries.map(([id]) => id));
      done[who] += entries.length;
    }

    for (const who of CONSUMERS) {
      // It waits in XREADGROUP: the store gives it a connection of its own meanwhile.
      panel.every(20, async () => {
        if (!alive[who]) return;
        const found = await store.call<{ [key: string]: Entry[] } | null>('XREADGROUP', 'GROUP', GROUP, who, 'COUNT', 8, 'BLOCK', 400, 'STREAMS', KEY, '>');
        await handle(who, found?.[KEY] ?? []);
      });
      panel.every(1000, async () => {
        if (!alive[who]) return;
        const [, entries] = await store.call<[string, Entry[]]>('XAUTOCLAIM', KEY, GROUP, who, CLAIM_MS, '0', 'COUNT', 50);
        takenOver += entries.length;
        await handle(who, entries);
      });
      const box = h('input', { type: 'checkbox', role: 'switch', onchange: () => (alive[who] = box.checked) });
      box.checked = true;
      right.append(h('label', { class: 'switch' }, box, `${who} is alive`));
    }
    right.append(h('p', { class: 'hint-text' }, `Let one die: what it had read and not acknowledged, the other takes over after ${CLAIM_MS / 1000} s.`));

    await store.call('XGROUP', 'CREATE', KEY, GROUP, '$', 'MKSTREAM').catch((error: Error) => {
      // Another tab has made it.
      if (!error.message.startsWith('BUSYGROUP')) throw error;
    });

    panel.every(300, measure);
    panel.every(300, () => plot.push(...latest));
    panel.every(500, async () => {
      const [length, groups, consumers] = await store.all<[number, Group[], { name: string; pending: number }[]]>(['XLEN', KEY], ['XINFO', 'GROUPS', KEY], ['XINFO', 'CONSUMERS', KEY, GROUP]);
      if (!Array.isArray(groups) || !Array.isArray(consumers)) return;
      figures.show('readings', count(length));
      figures.show('lag', String(groups[0]?.lag ?? '–'));
      figures.show('pending', String(groups[0]?.pending ?? 0));
      figures.show('taken over', String(takenOver));
      table.show(CONSUMERS.map((who) => [who, count(done[who]), String(consumers.find(({ name }) => name === who)?.pending ?? 0)]));
    }, { paused: true });
    await measure();
  },
};
