/** The page: where the database is, the console, and the panels over it. */

import 'uplot/dist/uPlot.min.css';
import './style.css';
import { ConnectionLostError } from 'redstart';
import { Client, type Kind, open } from './kit/client.ts';
import { bytes, count, h } from './kit/dom.ts';
import { download, exported, imported } from './kit/file.ts';
import { Panel } from './kit/panel.ts';
import { startConsole } from './panels/console.ts';
import { PANELS } from './panels/index.ts';
import { startLesson } from './panels/lesson.ts';
import { monitor } from './panels/monitor.ts';

const part = <T extends HTMLElement>(id: string) => document.querySelector<T>(`#${id}`)!;

/** Where the page looks, by the address: `?at=memory`, `?at=server`; otherwise in what this browser keeps. */
function kind(): Kind {
  const asked = new URLSearchParams(location.search).get('at');
  return asked === 'server' || asked === 'memory' ? asked : 'browser';
}

const LEADS: Record<Kind, string> = {
  browser: 'A whole Redis, running inside this browser: one engine in WebAssembly behind all tabs of this page, whose data stay. No server, no network.',
  memory: 'A whole Redis, running inside this browser: one engine in WebAssembly behind all tabs of this page, in memory alone. No server, no network.',
  server: 'The same panels against a redstart-server, over a WebSocket.',
};

const NO_SERVER = 'There is no connection to a redstart-server. `cargo demo` starts one with this page; by hand: redstart-server, and npm run preview.';

async function main(): Promise<void> {
  const at = kind();
  // What is known before there is an engine stands at once, so that nothing moves later.
  part('lead').textContent = LEADS[at];
  for (const link of document.querySelectorAll<HTMLAnchorElement>('#places a')) {
    if (link.dataset.at === at) link.setAttribute('aria-current', 'true');
  }
  for (const { id, title } of [monitor, ...PANELS]) part('index').append(h('a', { href: `#${id}` }, title));
  const store = new Client(await open(at), at);
  const took = part('stat-time');
  const screen = startConsole(store, (us) => {
    took.textContent = us < 1000 ? `${Math.max(1, Math.round(us))} µs` : us < 1e6 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1e6).toFixed(1)} s`;
  });
  startLesson(part('lesson'), screen);
  const lesson = part('lesson-open');
  lesson.addEventListener('click', () => {
    part('lesson').hidden = !part('lesson').hidden;
    lesson.setAttribute('aria-expanded', String(!part('lesson').hidden));
    screen.shadowRoot!.querySelector('#screen')!.scrollTop = 1e9;
    screen.focus({ preventScroll: true });
  });
  part('lesson').addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return;
    part('lesson').hidden = true;
    lesson.setAttribute('aria-expanded', 'false');
    lesson.focus();
  });

  const panels = [monitor, ...PANELS].map((spec) => new Panel(spec, store));
  for (const panel of panels) {
    part('panels').append(panel.root);
    void panel.begin();
  }
  keys(() => screen.focus({ preventScroll: true }));
  files(store);

  let isLost = false;
  const stats = async () => {
    const [keys, memory] = await Promise.all([store.store.dbsize(), store.store.info('memory')]);
    part('stat-keys').textContent = count(keys);
    part('stat-memory').textContent = bytes(Number(/used_memory:(\d+)/.exec(memory)?.[1] ?? 0));
    // A connection that was lost is made again by the next call.
    if (isLost) part('notice').hidden = true;
    isLost = false;
  };
  setInterval(() => document.hidden || void stats().catch((error: unknown) => {
    if (!(error instanceof ConnectionLostError)) return;
    isLost = true;
    notice(at === 'server' ? NO_SERVER : 'The engine has ended; the next command starts it again.');
  }), 1000);
  await stats();
  for (const line of ['SET greeting "hello, tab"', 'GET greeting', 'DEL birds', 'RPUSH birds wren robin redstart', 'LRANGE birds 0 -1']) await screen.run(line);
  if (matchMedia('(min-width: 60rem)').matches && !location.hash) screen.focus({ preventScroll: true });
  document.documentElement.dataset.ready = 'yes';
}

/** Keys for all of the page: `/` the console, `j` and `k` the next panel and the last. */
function keys(focusConsole: () => void): void {
  document.addEventListener('keydown', (event) => {
    const at = event.composedPath()[0] as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || at.matches('input, select, textarea')) return;
    if (event.key === '/') {
      event.preventDefault();
      part('console').scrollIntoView({ block: 'nearest' });
      focusConsole();
    } else if (event.key === 'j' || event.key === 'k') {
      const all = [...document.querySelectorAll<HTMLElement>('section.panel')];
      const here = all.indexOf(document.activeElement?.closest('section.panel') as HTMLElement);
      const next = all[Math.max(0, Math.min(all.length - 1, here + (event.key === 'j' ? 1 : -1)))]!;
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: 'center' });
    }
  });
}

/** The database goes out as a file, and comes in as one. */
function files(client: Client): void {
  const busy = async (button: HTMLButtonElement, action: () => Promise<string>) => {
    button.disabled = true;
    try {
      button.title = await action();
    } catch (error) {
      notice((error as Error).message);
    }
    button.disabled = false;
  };
  const out = part<HTMLButtonElement>('export');
  out.addEventListener('click', () => void busy(out, async () => {
    const file = await exported(client.store);
    download('dump.rdb', file);
    return `dump.rdb, ${bytes(file.length)}`;
  }));
  const into = part<HTMLButtonElement>('import');
  const chosen = part<HTMLInputElement>('import-file');
  into.addEventListener('click', () => chosen.click());
  chosen.addEventListener('change', () => void busy(into, async () => {
    const file = chosen.files?.[0];
    if (!file) return '';
    const keys = await imported(client.store, new Uint8Array(await file.arrayBuffer())).finally(() => (chosen.value = ''));
    document.querySelector('redstart-repl')!.print('none', `${file.name}: ${count(keys)} keys have taken the place of what was there.`);
    return file.name;
  }));
}

function notice(text: string): void {
  part('notice').hidden = false;
  part('notice-text').textContent = text;
}

part('notice-again').addEventListener('click', () => location.reload());
main().catch((error: Error) => {
  if (kind() === 'server' && error instanceof ConnectionLostError) {
    // The page is empty without one; the notice says what to do.
    part('panels').hidden = true;
    notice(NO_SERVER);
    return;
  }
  notice(`The page could not start: ${error.message}`);
  throw error;
});
