/** Sessions: a hash each, that ends when nobody has come for a while. */

import { h, pick, token } from '../kit/dom.ts';
import type { Panel, PanelSpec } from '../kit/panel.ts';

const PREFIX = 'demo:session:';
const LIFE_S = 15;
const ROWS = 6;
const NAMES = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Radia', 'Donald', 'Lynn', 'Alan', 'Hedy', 'Ken'];
const PAGES = ['/home', '/birds', '/cart', '/search', '/account', '/help'];

interface Row {
  row: HTMLElement;
  name: HTMLElement;
  page: HTMLElement;
  bar: HTMLElement;
  left: HTMLElement;
  id: string;
}

export const sessions: PanelSpec = {
  id: 'sessions',
  title: 'Sessions',
  note: 'HSET and EXPIRE',
  span: 2,
  moves: true,
  start(panel: Panel) {
    const { store } = panel;
    const list = h('div', { class: 'sessions', role: 'list', 'aria-label': 'Sessions' });
    const rows: Row[] = Array.from({ length: ROWS }, () => {
      const made: Row = { id: '', row: h('div', { class: 'session', role: 'listitem' }), name: h('strong'), page: h('code'), bar: h('i'), left: h('span', { class: 'left' }) };
      const visit = panel.button('↻', () => visitPage(made.id), { class: 'visit', 'aria-label': 'Visit a page: the session starts its time anew' });
      const leave = panel.button('×', () => logOut(made.id), { class: 'leave', 'aria-label': 'Log out' });
      made.row.append(made.name, made.page, h('span', { class: 'track' }, made.bar), made.left, visit, leave);
      list.append(made.row);
      return made;
    });
    panel.body.append(list);

    async function logIn(): Promise<void> {
      const key = PREFIX + token();
      panel.say(`HSET ${key} user … page /home; EXPIRE ${key} ${LIFE_S}`);
      await store.all(['HSET', key, 'user', pick(NAMES), 'page', '/home', 'visits', 1, 'since', Date.now()], ['EXPIRE', key, LIFE_S]);
      await draw();
    }

    async function visitPage(id: string): Promise<void> {
      if (!id) return;
      panel.say(`HINCRBY ${id} visits 1; EXPIRE ${id} ${LIFE_S}`);
      // XX: whoever has just ended does not come back by a visit.
      const [lives] = await store.all<[number]>(['EXPIRE', id, LIFE_S, 'XX']);
      if (lives) await store.all(['HINCRBY', id, 'visits', 1], ['HSET', id, 'page', pick(PAGES)]);
      await draw();
    }

    async function logOut(id: string): Promise<void> {
      if (id) await panel.run('DEL', id);
      await draw();
    }

    async function all(): Promise<string[]> {
      const found: string[] = [];
      let cursor = '0';
      do {
        const [next, keys] = await store.call<[string, string[]]>('SCAN', cursor, 'MATCH', `${PREFIX}*`, 'COUNT', 500);
        found.push(...keys);
        cursor = next;
      } while (cursor !== '0');
      return found;
    }

    let count = 0;
    async function draw(): Promise<void> {
      const keys = await all();
      count = keys.length;
      const replies = await store.all(...keys.flatMap((key) => [['HGETALL', key], ['PTTL', key]]));
      const found = keys.map((key, i) => ({ key, fields: replies[2 * i] as { [field: string]: string }, ttl: replies[2 * i + 1] as number }));
      found.sort((a, b) => Number(a.fields.since) - Number(b.fields.since));
      rows.forEach((row, i) => {
        const session = found[i];
        row.row.classList.toggle('gone', !session || session.ttl < 0);
        row.id = session?.key ?? '';
        if (!session) return;
        row.name.textContent = session.fields.user ?? '?';
        row.page.textContent = `${session.fields.page} · ${session.fields.visits}`;
        const share = Math.max(0, session.ttl / (LIFE_S * 1000));
        row.bar.style.width = `${100 * share}%`;
        row.bar.classList.toggle('low', share < 0.3);
        row.left.textContent = `${Math.max(0, session.ttl / 1000).toFixed(0)} s`;
      });
    }

    panel.body.append(h('div', { class: 'row' }, panel.button('Log in', logIn, { class: 'primary' })));
    panel.every(300, draw, { paused: true });
    panel.every(1500, async () => {
      if (count < 4 || (count < ROWS && Math.random() < 0.2)) await logIn();
      else if (Math.random() < 0.8) await visitPage(pick(rows.filter((row) => row.id))?.id ?? '');
    });
    void draw();
  },
};
