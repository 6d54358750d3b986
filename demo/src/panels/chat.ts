/** The chat: every tab is someone. Messages go over a channel; a stream keeps the last ones for who comes later. */

import { h, pick } from '../kit/dom.ts';
import type { Panel, PanelSpec } from '../kit/panel.ts';

const CHANNEL = 'demo:chat';
const HISTORY = 'demo:chat:history';
const HERE = 'demo:chat:here';
const MESSAGES_MAX = 100;
const GONE_MS = 6000;
const BIRDS = ['Robin', 'Wren', 'Siskin', 'Dunlin', 'Heron', 'Merlin', 'Linnet', 'Plover', 'Avocet', 'Bunting', 'Martin', 'Kestrel'];

interface Message {
  from: string;
  text: string;
}

/** Who this tab is: it keeps its name when it is loaded again. */
export function me(): string {
  let name = sessionStorage.getItem('redstart-name');
  if (!name) {
    name = `${pick(BIRDS)} ${Math.floor(10 + Math.random() * 90)}`;
    sessionStorage.setItem('redstart-name', name);
  }
  return name;
}

export const chat: PanelSpec = {
  id: 'chat',
  title: 'Chat',
  note: 'PUBLISH, XADD, across tabs',
  span: 2,
  async start(panel: Panel) {
    const { store } = panel;
    const name = me();
    const here = h('p', { class: 'here', 'aria-live': 'polite' }, '\u00a0');
    const messages = h('div', { class: 'messages', role: 'log', 'aria-live': 'polite', 'aria-label': 'Messages', tabindex: 0 });
    const input = h('input', { maxlength: 200, enterkeyhint: 'send', autocomplete: 'off', placeholder: `Message as ${name}`, 'aria-label': 'Message' });
    const form = h('form', {}, input, h('button', { 'aria-label': 'Send', class: 'primary' }, '↵'));
    panel.body.append(here, messages, form, h('div', { class: 'row' }, panel.button('Open another tab', () => window.open(location.href.replace(/#.*/, '#chat'), '_blank'))));

    function show({ from, text }: Message): void {
      const bubble = h('p', { class: from === name ? 'own' : from ? '' : 'other' }, from && from !== name ? h('b', {}, from) : null, text);
      messages.append(bubble);
      while (messages.childElementCount > MESSAGES_MAX) messages.firstElementChild!.remove();
      messages.scrollTop = messages.scrollHeight;
    }

    async function send(text: string): Promise<void> {
      const message: Message = { from: name, text };
      panel.say('PUBLISH', CHANNEL, JSON.stringify(message));
      await store.all(['XADD', HISTORY, 'MAXLEN', '~', MESSAGES_MAX, '*', 'from', name, 'text', text], ['PUBLISH', CHANNEL, JSON.stringify(message)]);
    }

    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = input.value.trim();
      input.value = '';
      if (text) send(text).catch((error) => panel.fail(error));
    });

    const past = await store.call<[string, string[]][]>('XREVRANGE', HISTORY, '+', '-', 'COUNT', 20);
    for (const [, fields] of past.reverse()) show({ from: fields[1]!, text: fields[3]! });
    await store.store.subscribe(CHANNEL, (message) => {
      try {
        const { from, text } = JSON.parse(message) as Message;
        show({ from: String(from), text: String(text) });
      } catch {
        // Someone publishes plain text from the console.
        show({ from: '', text: message });
      }
    });
    if (past.length === 0) {
      await send('Is anyone there?');
      show({ from: '', text: 'Open this page in another tab, and write there.' });
    }

    async function alive(): Promise<void> {
      const now = Date.now();
      const [, , names] = await store.all<[number, number, string[]]>(['ZADD', HERE, now, name], ['ZREMRANGEBYSCORE', HERE, '-inf', now - GONE_MS], ['ZRANGE', HERE, 0, -1]);
      if (!Array.isArray(names)) return;
      const others = names.filter((other) => other !== name);
      here.textContent = others.length > 0 ? `You are ${name}. Here too: ${others.join(', ')}` : `You are ${name}, alone here.`;
    }
    await alive();
    panel.every(2000, alive, { paused: true, hidden: true });
    addEventListener('pagehide', () => void store.call('ZREM', HERE, name));
  },
};
