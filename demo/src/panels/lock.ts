/** A lock that tabs fight for: SET NX with an end, given back by a script only if it is still one's own. */

import { h, token } from '../kit/dom.ts';
import { Figures, type Panel, type PanelSpec } from '../kit/panel.ts';
import { Table } from '../kit/table.ts';
import { me } from './chat.ts';

const KEY = 'demo:lock';
const FENCE = 'demo:lock:fence';
const LOG = 'demo:lock:log';
const LIFE_MS = 2500;
const ROWS = 5;

/** Only the holder may let go: the lock may have run out, and be another's by now. */
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

export const lock: PanelSpec = {
  id: 'lock',
  title: 'Lock',
  note: 'SET … NX PX, a fight of tabs',
  span: 2,
  moves: true,
  start(panel: Panel) {
    const { store } = panel;
    const name = me();
    const rival = `${name}’s rival`;
    const owner = h('strong', { 'data-owner': '' }, 'nobody');
    const bar = h('i');
    const holder = h('div', { class: 'holder' }, h('span', {}, 'held by'), owner, h('span', { class: 'track' }, bar));
    const figures = new Figures(['won', 'lost', 'fencing token']);
    const log = new Table(['Token', 'Holder', '>held for'], ROWS, 'Who held the lock');
    panel.body.append(holder, figures.root, log.root);

    let won = 0;
    let lost = 0;
    let crash = false;

    /** One try: holds the lock for a while if it is free. */
    async function fight(who: string): Promise<boolean> {
      const mine = `${who}|${token()}`;
      const got = await store.call<string | null>('SET', KEY, mine, 'NX', 'PX', LIFE_MS);
      if (who === name) {
        panel.say(`SET ${KEY} … NX PX ${LIFE_MS} → ${got ?? '(nil)'}`);
        if (got) won++;
        else lost++;
      }
      if (!got) return false;
      const start = Date.now();
      // Whatever is written under the lock carries this number; a store refuses one that is lower than the last.
      const fence = await store.call<number>('INCR', FENCE);
      await wait(400 + Math.random() * 700);
      if (crash && who === name) {
        crash = false;
        await note(fence, `${who} (died)`, '–');
        await wait(LIFE_MS);
        return true;
      }
      await store.call('EVAL', RELEASE, 1, KEY, mine);
      await note(fence, who, `${Date.now() - start} ms`);
      return true;
    }

    const note = (fence: number, who: string, held: string) => store.call('XADD', LOG, 'MAXLEN', 50, '*', 'fence', fence, 'who', who, 'held', held);

    for (const who of [name, rival]) {
      panel.every(180, async () => {
        await wait(Math.random() * 250);
        // The winner rests a little: others want it too.
        if (await fight(who)) await wait(200 + Math.random() * 400);
      }, { hidden: true });
    }
    panel.every(100, async () => {
      const [held, left, fence, last] = await store.all<[string | null, number, string | null, [string, string[]][]]>(['GET', KEY], ['PTTL', KEY], ['GET', FENCE], ['XREVRANGE', LOG, '+', '-', 'COUNT', ROWS]);
      const who = held?.split('|')[0] ?? 'nobody';
      owner.textContent = who;
      owner.className = who === name ? 'own' : held ? 'other' : '';
      bar.style.width = held ? `${Math.max(0, (100 * left) / LIFE_MS)}%` : '0';
      figures.show('won', String(won));
      figures.show('lost', String(lost));
      figures.show('fencing token', fence ?? '0');
      if (Array.isArray(last)) log.show(last.map(([, fields]) => [fields[1]!, fields[3]!, fields[5]!]));
    }, { paused: true });

    panel.body.append(
      h('div', { class: 'row' }, panel.button('Try once', () => fight(name)), panel.button('Die holding it', () => (crash = true), { title: 'The lock then runs out by itself' }), panel.button('Rival tab', () => window.open(location.href.replace(/#.*/, '#lock'), '_blank'))),
    );
  },
};

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
