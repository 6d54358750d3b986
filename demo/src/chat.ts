/** The chat: two panes that know each other only through a channel. */

import type { Engine } from 'redstart';
import { Parser, request } from './resp.ts';

const CHANNEL = 'chat';
const MESSAGES_MAX = 100;

export function startChat(engine: Engine): void {
  const chat = document.querySelector<HTMLElement>('#chat')!;
  for (const name of ['Ada', 'Lin']) {
    const pane = document.createElement('div');
    pane.className = 'pane';
    pane.innerHTML = '<h3></h3><div class="messages" role="log" aria-live="polite"></div><form><input maxlength="200" enterkeyhint="send" autocomplete="off" /><button aria-label="Send">↵</button></form>';
    pane.querySelector('h3')!.textContent = name;
    const input = pane.querySelector('input')!;
    input.placeholder = 'Message';
    input.setAttribute('aria-label', `Message from ${name}`);
    const messages = pane.querySelector('.messages')!;
    chat.append(pane);

    listen(engine, (message) => {
      const [, from, text] = /^(Ada|Lin): (.*)$/s.exec(message) ?? [undefined, '', message];
      const bubble = document.createElement('p');
      bubble.className = from === name ? 'own' : from ? '' : 'other';
      bubble.textContent = text!;
      messages.append(bubble);
      while (messages.childElementCount > MESSAGES_MAX) messages.firstElementChild!.remove();
      messages.scrollTop = messages.scrollHeight;
    });
    pane.querySelector('form')!.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      engine.publish(CHANNEL, `${name}: ${input.value}`);
      input.value = '';
    });
  }
  engine.publish(CHANNEL, 'Ada: Is anyone there?');
  engine.publish(CHANNEL, 'Lin: Yes, in the same tab.');
}

/** A client of its own that hears the channel. */
function listen(engine: Engine, hear: (message: string) => void): void {
  const parser = new Parser();
  const connection = engine.connect();
  connection.onData((bytes) => {
    for (const node of parser.feed(bytes)) {
      if (node.type !== 'array') continue;
      const [kind, , message] = node.items;
      if (kind?.type === 'bulk' && kind.text === 'message' && message?.type === 'bulk') hear(message.text);
    }
  });
  connection.write(request(['SUBSCRIBE', CHANNEL]));
}
