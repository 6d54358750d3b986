/** One engine, three users of it: the console, the leaderboard, the chat. */

import { Engine } from 'redstart';
import { startBoard } from './board.ts';
import { startChat } from './chat.ts';
import { startConsole } from './console.ts';

const stat = (id: string) => document.querySelector<HTMLElement>(`#stat-${id}`)!;

function bytes(count: number): string {
  return count < 1 << 20 ? `${(count / 1024).toFixed(0)} kB` : `${(count / (1 << 20)).toFixed(1)} MB`;
}

try {
  const engine = await Engine.open({ config: { 'notify-keyspace-events': 'KA', maxmemory: '256mb' } });
  startBoard(engine);
  startChat(engine);
  startConsole(engine, (microseconds) => {
    stat('time').textContent = microseconds < 1000 ? `${Math.max(1, Math.round(microseconds))} µs` : `${(microseconds / 1000).toFixed(1)} ms`;
  });
  const count = () => {
    stat('keys').textContent = engine.dbsize().toLocaleString('en');
    stat('memory').textContent = bytes(engine.report().usedMemory);
  };
  count();
  setInterval(count, 500);
  document.documentElement.dataset.ready = 'yes';
} catch (error) {
  document.querySelector('#screen')!.textContent = `The engine could not start: ${(error as Error).message}`;
  throw error;
}
