/** The chat: two panes that know each other only through a channel. */

import type { Engine } from 'redstart';

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
    input.placeholder = `Say something as ${name}`;
    input.setAttribute('aria-label', input.placeholder);
    const messages = pane.querySelector('.messages')!;
    chat.append(pane);

    engine.subscribe(CHANNEL, (message) => {
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
