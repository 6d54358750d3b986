/** Feature flags: a hash; the little shop at the right follows every change, in each tab. */

import { h, svg } from '../kit/dom.ts';
import type { Panel, PanelSpec } from '../kit/panel.ts';

const KEY = 'demo:flags';
const FLAGS = { banner: 'Sale banner', search: 'New search', dark: 'Dark theme' } as const;
const DEFAULTS = { banner: '1', search: '0', dark: '0', rollout: '35' };
const BIRDS = { Robin: 'amber', Wren: 'soft', Redstart: 'accent' };
const USERS = 40;

export const flags: PanelSpec = {
  id: 'flags',
  title: 'Feature flags',
  note: 'HSET, a live HGETALL',
  span: 2,
  async start(panel: Panel) {
    const { store } = panel;
    const set = (flag: string, to: string | number) => panel.run('HSET', KEY, flag, to);

    const switches = new Map<string, HTMLInputElement>();
    const list = h('div', { class: 'switches' });
    for (const [flag, label] of Object.entries(FLAGS)) {
      const box = h('input', { type: 'checkbox', role: 'switch', onchange: () => set(flag, box.checked ? 1 : 0) });
      switches.set(flag, box);
      list.append(h('label', {}, box, label));
    }
    const slider = h('input', { type: 'range', min: 0, max: 100, step: 5, 'aria-label': 'Share of users with the new checkout', oninput: () => set('rollout', slider.value) });
    const share = h('output', {}, '');
    list.append(h('label', { class: 'wide' }, 'New checkout for ', share, slider));

    const users = h('div', { class: 'users', role: 'img', 'aria-label': 'Users; those with the new checkout are filled' });
    for (let i = 0; i < USERS; i++) users.append(h('i'));
    const shop = h(
      'div',
      { class: 'shop', 'aria-label': 'A shop that follows the flags', role: 'group' },
      h('p', { class: 'banner' }, 'Sale: all birds −20 %'),
      h('p', { class: 'shop-head' }, h('b', {}, 'Bird shop'), h('span', { class: 'shop-search' }, 'Search')),
      h('p', { class: 'shop-items' }, ...Object.entries(BIRDS).map(([name, color]) => h('span', { style: `--bird: var(--${color})` }, svg('svg', { viewBox: '8 10 18 14', 'aria-hidden': 'true' }, svg('path', { d: 'M9 20c4 4 11 3 13-3l3-4-4-2c-4-2-7 0-8 3l-6 8z' })), name))),
    );
    panel.body.append(list, shop, users);

    function draw(all: { [flag: string]: string } = {}): void {
      for (const [flag, box] of switches) {
        box.checked = all[flag] === '1';
        shop.classList.toggle(flag, all[flag] === '1');
      }
      const rollout = Math.max(0, Math.min(100, Number(all.rollout ?? 0) || 0));
      share.textContent = `${rollout} % of users`;
      if (document.activeElement !== slider) slider.value = String(rollout);
      // A user always falls on the same side: more users get it as the share grows, and nobody loses it.
      [...users.children].forEach((user, i) => (user.className = ((i * 61 + 17) % 100) < rollout ? 'hit' : ''));
    }

    for (const [flag, value] of Object.entries(DEFAULTS)) await store.call('HSETNX', KEY, flag, value);
    await panel.follow(['HGETALL', KEY], draw);
  },
};
