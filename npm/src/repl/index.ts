/**
 * A console for a page, like redis-cli: `<redstart-repl>`, without a framework.
 *
 *     import 'redstart/repl';
 *     document.querySelector('redstart-repl').host = engine;    // or a store, or anything that connects
 *
 * It speaks RESP3 over a connection of its own, so that replies show their types and messages come in by
 * themselves. Importing it where there is no document does nothing.
 */

import type { Channel, Host } from '../channel.js';
import { encode } from '../client.js';
import { cased, Hints } from './hints.js';
import { format, type Line, type Node, Parser, words } from './resp.js';
import { STYLE } from './style.js';

export { format, type Line, type Node, Parser, words } from './resp.js';

/** Older lines go. */
const LINES_MAX = 1000;
const HISTORY_MAX = 500;

const Base: typeof HTMLElement = typeof HTMLElement === 'undefined' ? (class {} as never) : HTMLElement;

const TEMPLATE = `<style>${STYLE}</style>
<div id="screen" part="screen" role="log" aria-live="polite" tabindex="0"></div>
<form part="line"><span aria-hidden="true"></span><div class="field"><div class="ghost" aria-hidden="true"></div>
<input aria-label="Redis command" autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false" enterkeyhint="send"></div></form>
<div class="hint" part="hint"></div>`;

/** `<redstart-repl>`. `run` types a line; the event `reply` says what came and how long it took. */
export class RedstartRepl extends Base {
  private target: Host | undefined;
  private channel: Channel | undefined;
  private connecting: Promise<Channel> | undefined;
  private readonly hints = new Hints();
  private history: string[] = [];
  private place = 0;
  private made = false;
  /** Commands whose reply is still to come: the line, when it was sent, and whom to tell. */
  private asked: { line: string; sent: number; done: () => void }[] = [];
  private screen!: HTMLElement;
  private input!: HTMLInputElement;
  private ghost!: HTMLElement;
  private hint!: HTMLElement;

  /** Where the commands go: an engine, a store, or anything else that connects. */
  get host(): Host | undefined {
    return this.target;
  }

  set host(host: Host | undefined) {
    this.drop();
    this.target = host;
  }

  /** What stands before the line; the attribute `prompt`. */
  get prompt(): string {
    return this.getAttribute('prompt') ?? '> ';
  }

  connectedCallback(): void {
    this.make();
  }

  disconnectedCallback(): void {
    // A move within the page is no end.
    queueMicrotask(() => {
      if (!this.isConnected) this.drop();
    });
  }

  /** Runs a line as if it had been typed; resolves when its reply is shown. */
  async run(line: string): Promise<void> {
    this.make();
    const text = line.trim();
    if (!text) return;
    this.print('asked', text);
    if (this.history.at(-1) !== text) this.history.push(text);
    if (this.history.length > HISTORY_MAX) this.history.shift();
    this.place = this.history.length;
    const args = words(text);
    if (!args) return this.print('error', 'Invalid argument(s): a quote is open');
    const name = args[0]!.toLowerCase();
    if (name === 'clear') return this.clear();
    if (name === 'help' || name === '?') {
      await this.learn();
      for (const [kind, text] of this.hints.help(args.slice(1).join(' '))) this.print(kind, text);
      return;
    }
    try {
      const channel = this.channel ?? (await this.open());
      await new Promise<void>((done) => {
        const bytes = encode(args);
        this.asked.push({ line: text, sent: performance.now(), done });
        channel.write(bytes);
      });
    } catch (error) {
      this.asked = [];
      this.print('error', (error as Error).message);
    }
  }

  /** Puts a line where one types, without running it. */
  propose(line: string): void {
    this.make();
    this.input.value = line;
    this.input.focus({ preventScroll: true });
    this.advise();
  }

  /** Shows a line; `kind` is its class: text, status, error, number, none. */
  print(kind: Line[0] | 'asked', text: string): void {
    this.make();
    const line = document.createElement('div');
    line.className = kind;
    line.setAttribute('part', kind);
    line.textContent = text;
    if (kind === 'asked') line.dataset.prompt = this.prompt;
    this.screen.append(line);
    while (this.screen.childElementCount > LINES_MAX) this.screen.firstElementChild!.remove();
    this.screen.scrollTop = this.screen.scrollHeight;
  }

  clear(): void {
    this.screen?.replaceChildren();
  }

  override focus(options?: FocusOptions): void {
    this.make();
    this.input.focus(options);
  }

  private make(): void {
    if (this.made) return;
    this.made = true;
    const root = this.attachShadow({ mode: 'open' });
    root.innerHTML = TEMPLATE;
    this.screen = root.querySelector('#screen')!;
    this.input = root.querySelector('input')!;
    this.ghost = root.querySelector('.ghost')!;
    this.hint = root.querySelector('.hint')!;
    root.querySelector('form > span')!.textContent = this.prompt;
    root.querySelector('form')!.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.run(this.input.value);
      this.input.value = '';
      this.advise();
    });
    this.input.addEventListener('focus', () => void this.learn().then(() => this.advise()));
    this.input.addEventListener('input', () => this.advise());
    this.input.addEventListener('keydown', (event) => this.key(event));
    // A click goes to the line, selecting text does not.
    this.screen.addEventListener('mouseup', () => {
      if (!getSelection()?.toString()) this.input.focus({ preventScroll: true });
    });
    this.advise();
  }

  private async learn(): Promise<void> {
    const { COMMANDS } = await import('../generated/table.js');
    this.hints.fill(COMMANDS);
  }

  private open(): Promise<Channel> {
    return (this.connecting ??= this.begin().finally(() => (this.connecting = undefined)));
  }

  private async begin(): Promise<Channel> {
    const host = this.target;
    if (!host) throw new Error('the console has no host: set its property `host` to an engine or a store');
    const channel = await host.connect('repl:0');
    const parser = new Parser();
    let greeted = false;
    channel.onData((bytes) => {
      for (const node of parser.feed(bytes)) {
        // The reply to HELLO is not for the reader.
        if (!greeted) {
          greeted = true;
          continue;
        }
        const lines = format(node);
        // SUBSCRIBE has a push for a reply, but a message is none.
        const asked = isMessage(node) ? undefined : this.asked.shift();
        for (const [kind, text] of lines) this.print(kind, text);
        if (!asked) continue;
        const microseconds = (performance.now() - asked.sent) * 1000;
        this.dispatchEvent(new CustomEvent('reply', { detail: { line: asked.line, reply: node, microseconds } }));
        asked.done();
      }
    });
    channel.onClose((reason) => {
      if (this.channel !== channel) return;
      this.channel = undefined;
      const asked = this.asked;
      this.asked = [];
      this.print('none', `(${reason?.message ?? 'the connection was closed'}; the next command opens another)`);
      for (const { done } of asked) done();
    });
    channel.write(encode(['HELLO', '3']));
    return (this.channel = channel);
  }

  private drop(): void {
    const channel = this.channel;
    this.channel = undefined;
    for (const { done } of this.asked) done();
    this.asked = [];
    channel?.close();
  }

  private key(event: KeyboardEvent): void {
    const input = this.input;
    const atEnd = input.selectionStart === input.value.length;
    if (event.key === 'Tab' && !event.shiftKey && input.value) {
      const line = this.hints.complete(input.value);
      if (line === undefined) return;
      input.value = line;
    } else if (event.key === 'ArrowRight' && atEnd && this.hints.completions(input.value)[0]) {
      input.value = `${cased(input.value, this.hints.completions(input.value)[0]!)} `;
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      this.place = Math.min(Math.max(this.place + (event.key === 'ArrowUp' ? -1 : 1), 0), this.history.length);
      input.value = this.history[this.place] ?? '';
    } else if (event.key === 'l' && event.ctrlKey) {
      this.clear();
    } else if (event.key === 'Escape') {
      input.value = '';
    } else {
      return;
    }
    event.preventDefault();
    this.advise();
  }

  /** What could come next, behind what is typed and below it. */
  private advise(): void {
    const line = this.input.value;
    const found = this.hints.named(line);
    const completions = this.hints.completions(line);
    const ghost = (rest: string) => {
      const typed = document.createElement('b');
      typed.textContent = line;
      this.ghost.replaceChildren(...(rest ? [typed, rest] : []));
    };
    const code = document.createElement('code');
    if (completions[0]) {
      ghost(cased(line.trim(), completions[0].slice(line.trimStart().length)));
      code.textContent = 'Tab';
      this.hint.replaceChildren(code, ` ${completions.slice(0, 8).join('  ')}${completions.length > 8 ? '  …' : ''}`);
    } else if (found) {
      const given = line.trimStart().slice(found[0].length);
      ghost(given.trim() ? '' : `${line.endsWith(' ') ? '' : ' '}${found[1].syntax}`);
      code.textContent = `${found[0]} ${found[1].syntax}`;
      this.hint.replaceChildren(code, ` ${found[1].summary}`);
    } else {
      ghost('');
      code.textContent = line ? '' : '↑';
      this.hint.replaceChildren(code, line ? '' : ' history, Tab completes, HELP lists the commands');
    }
  }
}

function isMessage(node: Node): boolean {
  if (node.type !== 'push') return false;
  const [kind] = node.items;
  return kind?.type === 'bulk' && /^([ps]?message|invalidate)$/.test(kind.text);
}

if (typeof customElements !== 'undefined' && !customElements.get('redstart-repl')) customElements.define('redstart-repl', RedstartRepl);

declare global {
  interface HTMLElementTagNameMap {
    'redstart-repl': RedstartRepl;
  }
}
