/** Rate limiting: at most ten requests within ten seconds, counted by a script in one step (a sliding window). */

import { h, token } from '../kit/dom.ts';
import { Figures, type Panel, type PanelSpec } from '../kit/panel.ts';
import { Plot } from '../kit/plot.ts';

const KEY = 'demo:limit:you';
const LIMIT = 10;
const WINDOW_MS = 10_000;
const DOTS = 40;

/** Lets pass while the window has room: whether, how many are left, and in how many ms there is room again. */
const SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - window)
local used = redis.call('ZCARD', KEYS[1])
if used < limit then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], window)
  return {1, limit - used - 1, 0}
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {0, 0, oldest[2] + window - now}`;

export const limiter: PanelSpec = {
  id: 'limiter',
  title: 'Rate limiting',
  note: `${LIMIT} in ${WINDOW_MS / 1000} s, EVALSHA`,
  span: 2,
  moves: true,
  start(panel: Panel) {
    const { store } = panel;
    const figures = new Figures(['left', 'let through', 'refused', 'retry in']);
    const dots = h('div', { class: 'squares', role: 'img', 'aria-label': 'The last requests: filled ones were let through' });
    for (let i = 0; i < DOTS; i++) dots.append(h('i'));
    panel.body.append(figures.root, dots);
    const plot = new Plot(panel.body, { name: 'Requests a second', lines: [{ label: 'let through / s', color: 'text', fill: true }, { label: 'refused / s', color: 'error' }], height: 128, points: 60 });

    const loaded = store.call<string>('SCRIPT', 'LOAD', SCRIPT);
    const recent: boolean[] = [];
    const total = { passed: 0, refused: 0 };
    let retryAt = 0;
    let speed = 1;

    async function request(): Promise<boolean> {
      const sha = await loaded;
      const [passed, left, retry] = await panel.run<[number, number, number]>('EVALSHA', sha, 1, KEY, LIMIT, WINDOW_MS, token() + token());
      recent.push(passed === 1);
      if (recent.length > DOTS) recent.shift();
      total[passed ? 'passed' : 'refused']++;
      retryAt = passed ? 0 : performance.now() + retry;
      figures.show('left', String(left));
      figures.show('let through', String(total.passed));
      figures.show('refused', String(total.refused));
      recent.forEach((ok, i) => (dots.children[i]!.className = ok ? 'hit' : 'refused'));
      panel.say(`EVALSHA ${sha.slice(0, 8)}… 1 ${KEY} ${LIMIT} ${WINDOW_MS} → ${passed ? 'OK' : '429'}`);
      return passed === 1;
    }

    const slider = h('input', { type: 'range', min: 0.5, max: 5, step: 0.5, value: speed, 'aria-label': 'Requests a second', oninput: () => (speed = Number(slider.value)) });
    panel.body.append(
      h('div', { class: 'row' }, panel.button('Send one', request), panel.button('Send 15', async () => {
        for (let i = 0; i < 15; i++) await request();
      }), h('label', { class: 'push' }, 'load ', slider)),
    );

    let due = 0;
    panel.every(100, async () => {
      due += speed / 10;
      for (; due >= 1; due--) await request();
    });
    // Over the last two seconds, twice a second.
    const past = [{ ...total }];
    panel.every(500, () => {
      past.push({ ...total });
      if (past.length > 5) past.shift();
      const seconds = (past.length - 1) / 2;
      plot.push((total.passed - past[0]!.passed) / seconds, (total.refused - past[0]!.refused) / seconds);
      const wait = retryAt - performance.now();
      figures.show('retry in', wait > 0 ? `${(wait / 1000).toFixed(1)} s` : '–');
    }, { paused: true });
  },
};
