/** The console: the package's own, `<redstart-repl>`, with commands to try below it. */

import { Engine } from 'redstart';
import type { RedstartRepl } from 'redstart/repl';
import 'redstart/repl';
import type { Client, Kind } from '../kit/client.ts';
import { bytes, count, h } from '../kit/dom.ts';

const TRY = [
  ['SET greeting "hello, tab" EX 60', 'a string that expires'],
  ['GET greeting', ''],
  ['HSET bird name redstart weight 15', 'a hash'],
  ['HGETALL bird', ''],
  ['ZINCRBY demo:board 250 Ada', 'watch the leaderboard'],
  ['HSET demo:flags banner 1', 'watch the feature flags'],
  ['INFO server', ''],
] as const;

const WHERE: Record<Kind, string> = {
  memory: 'It lives in the memory of this browser, behind all tabs of this page.',
  browser: 'It lives in this browser, behind all tabs of this page, and is there again after a reload.',
  server: 'It is a redstart-server.',
};

/** What the event `reply` of the console brings. */
export interface Replied {
  line: string;
  reply: { type: string };
  microseconds: number;
}

export function startConsole(client: Client, ran: (microseconds: number) => void): RedstartRepl {
  const repl = document.querySelector<RedstartRepl>('#repl')!;
  repl.host = client.store;
  repl.addEventListener('reply', (event) => ran((event as CustomEvent<Replied>).detail.microseconds));

  const chips = document.querySelector<HTMLElement>('#chips')!;
  for (const [line, title] of TRY) chips.append(h('button', { type: 'button', title: title || undefined, onclick: () => void repl.run(line) }, line));
  const race = async () => {
    // Synchronous calls need an engine in this tab.
    const engine = await Engine.open();
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) engine.set('race', 'a value of 20 bytes.');
    const ms = performance.now() - start;
    repl.print('asked', '100,000 × engine.set(…) on an engine of this tab');
    repl.print('number', `${ms.toFixed(0)} ms: ${count(100_000 / ms)} thousand a second, ${((ms / 100_000) * 1e6).toFixed(0)} ns each, ${bytes(engine.report().usedMemory)} in use`);
    engine.free();
  };
  chips.append(h('button', { type: 'button', class: 'race', onclick: () => void race() }, '100,000 × SET'));
  repl.print('none', `This is a real Redis engine. ${WHERE[client.kind]} Type a command, or press one below.`);
  return repl;
}
