/** The monitor: what INFO says, each second, as lines; the busiest commands; the slow log. */

import { bytes, count, h } from '../kit/dom.ts';
import { Figures, type Panel, type PanelSpec } from '../kit/panel.ts';
import { Plot } from '../kit/plot.ts';
import { Table } from '../kit/table.ts';

const ROWS = 5;
type SlowEntry = [id: number, at: number, us: number, args: string[]];

/** `name:value` lines of INFO. */
export function info(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const at = line.indexOf(':');
    if (at > 0 && !line.startsWith('#')) found.set(line.slice(0, at), line.slice(at + 1));
  }
  return found;
}

export const monitor: PanelSpec = {
  id: 'monitor',
  title: 'Monitor',
  note: 'INFO, each second',
  span: 2,
  start(panel: Panel) {
    const { store } = panel;
    const figures = new Figures(['commands/s', 'keys', 'memory', 'clients']);
    panel.body.append(figures.root);
    const ops = new Plot(panel.body, { name: 'Commands a second', lines: [{ label: 'commands/s', color: 'accent', fill: true }], height: 104 });
    panel.body.append(h('h3', {}, 'Memory'));
    const memory = new Plot(panel.body, { name: 'Memory in use', lines: [{ label: 'memory', color: 'number', fill: true }], height: 88, format: (kb) => (kb < 1000 ? `${kb} kB` : `${(kb / 1000).toFixed(1)} MB`) });

    const busiest = new Table(['Command', '>per s', '>all'], ROWS, 'The busiest commands');
    const slow = new Table(['Command', '>took'], ROWS, 'Slow commands');
    slow.root.hidden = true;
    // An engine in a page sees no clock within a command, so its own slow log stays empty: the round trips
    // of this page are the next best.
    const slowLabel = store.kind === 'server' ? 'Slow log' : 'Slowest trips';
    const tabs = ['Busiest', slowLabel].map((label, i) =>
      h('button', { type: 'button', role: 'tab', 'aria-selected': String(i === 0), onclick: () => choose(i) }, label),
    );
    const choose = (which: number) => {
      tabs.forEach((tab, i) => tab.setAttribute('aria-selected', String(i === which)));
      busiest.root.hidden = which !== 0;
      slow.root.hidden = which !== 1;
    };
    panel.body.append(h('div', { class: 'tabs', role: 'tablist' }, ...tabs), busiest.root, slow.root);

    let last: { at: number; all: number } | undefined;
    let calls = new Map<string, number>();
    const look = async () => {
      panel.say('INFO everything');
      const all = info(await store.call<string>('INFO', 'everything'));
      const keys = await store.call<number>('DBSIZE');
      const now = performance.now();
      const seconds = last ? (now - last.at) / 1000 : 1;
      const processed = Number(all.get('total_commands_processed') ?? 0);
      const rate = last ? Math.max(0, (processed - last.all) / seconds) : 0;
      last = { at: now, all: processed };
      const used = Number(all.get('used_memory') ?? 0);
      figures.show('commands/s', count(rate));
      figures.show('keys', count(keys));
      figures.show('memory', bytes(used));
      figures.show('clients', all.get('connected_clients') ?? '–');
      ops.push(rate);
      memory.push(used / 1024);

      const next = new Map<string, number>();
      for (const [name, line] of all) {
        if (name.startsWith('cmdstat_')) next.set(name.slice(8).replace('|', ' ').toUpperCase(), Number(/calls=(\d+)/.exec(line)?.[1] ?? 0));
      }
      const rows = [...next].map(([name, n]) => [name, (n - (calls.get(name) ?? 0)) / seconds, n] as const);
      rows.sort((a, b) => b[1] - a[1] || b[2] - a[2]);
      busiest.show(rows.slice(0, ROWS).map(([name, perSecond, n]) => [name, calls.size ? perSecond.toFixed(perSecond < 10 ? 1 : 0) : '–', count(n)]));
      calls = next;

      if (store.kind === 'server') {
        const log = await store.call<SlowEntry[]>('SLOWLOG', 'GET', 32);
        log.sort((a, b) => b[2] - a[2]);
        slow.show(log.length > 0 ? log.slice(0, ROWS).map(([, , us, args]) => [args.join(' '), `${count(us)} µs`]) : [['nothing was slow yet', '']]);
      } else {
        slow.show(store.slow.slice(0, ROWS).map(({ command, ms }) => [command, `${ms.toFixed(1)} ms`]));
      }
    };
    panel.every(1000, look, { paused: true });
    void look();
  },
};
