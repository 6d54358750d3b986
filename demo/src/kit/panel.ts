/** The frame of a panel: a title, a body of fixed height, and at its foot the last command and a switch. */

import type { Client } from './client.ts';
import { h } from './dom.ts';

export interface PanelSpec {
  id: string;
  title: string;
  /** What Redis does here, in a few words. */
  note: string;
  /** How many of the six columns it takes on a wide screen. */
  span: 2 | 3 | 4 | 6;
  /** Whether it does something by itself, which can be paused. */
  moves?: boolean;
  start(panel: Panel): void | Promise<void>;
}

const still = matchMedia('(prefers-reduced-motion: reduce)');

export class Panel {
  readonly spec: PanelSpec;
  readonly store: Client;
  readonly root: HTMLElement;
  readonly body: HTMLElement;
  private readonly line = h('code', {}, '\u00a0');
  private readonly play: HTMLButtonElement | undefined;
  private playing = !still.matches;
  private seen = false;
  /** Done when the panel first comes near the screen: what is large is loaded then. */
  readonly near: Promise<void>;

  constructor(spec: PanelSpec, store: Client) {
    this.spec = spec;
    this.store = store;
    this.body = h('div', { class: 'body' });
    if (spec.moves) this.play = h('button', { type: 'button', class: 'play', onclick: () => this.switch(!this.playing) });
    this.root = h(
      'section',
      { class: `panel span-${spec.span}`, id: spec.id, 'aria-labelledby': `${spec.id}-title`, tabindex: -1 },
      h('h2', { id: `${spec.id}-title` }, spec.title, ' ', h('span', {}, spec.note)),
      this.body,
      h('div', { class: 'foot' }, this.line, this.play),
    );
    this.switch(this.playing);
    // What nobody looks at does no work.
    this.near = new Promise((done) => {
      new IntersectionObserver(
        (entries) => {
          this.seen = entries.at(-1)!.isIntersecting;
          if (this.seen) done();
        },
        { rootMargin: '300px' },
      ).observe(this.root);
    });
  }

  /** Builds what is in it at once, so that nothing moves later; what it waits for comes after. */
  async begin(): Promise<void> {
    try {
      await this.spec.start(this);
      this.root.dataset.started = 'yes';
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Shows the command that was just sent. */
  say(...command: (string | number)[]): void {
    this.line.className = '';
    this.line.textContent = command.join(' ');
  }

  fail(error: unknown): void {
    this.line.className = 'error';
    this.line.textContent = (error as Error).message;
  }

  /** Sends a command and shows it. */
  run<T>(...command: (string | number)[]): Promise<T> {
    this.say(...command);
    return this.store.call<T>(...command);
  }

  /** Does something again and again while the panel is on screen and plays; `paused`, `hidden`: then too. */
  every(ms: number, action: () => unknown, also: { paused?: boolean; hidden?: boolean } = {}): void {
    let busy = false;
    setInterval(async () => {
      if (busy || !this.seen || (document.hidden && !also.hidden) || !(this.playing || also.paused)) return;
      busy = true;
      try {
        await action();
      } catch (error) {
        this.fail(error);
      }
      busy = false;
    }, ms);
  }

  button(label: string, action: () => unknown, props: { class?: string; 'aria-label'?: string; title?: string } = {}): HTMLButtonElement {
    return h('button', {
      type: 'button',
      ...props,
      onclick: async () => {
        try {
          await action();
        } catch (error) {
          this.fail(error);
        }
      },
    }, label);
  }

  /**
   * Shows the reply to a command that reads, and again whenever it is another one; resolves when the first is shown.
   * `undefined` is for what cannot be read: somebody has made the key another type in the console.
   */
  follow<T>(command: string[], show: (reply: T | undefined) => void, { bytes = false } = {}): Promise<void> {
    return new Promise((shown) => {
      const follow = async () => {
        try {
          for await (const reply of this.store.store.live(command, { bytes })) {
            show(reply as T);
            shown();
          }
        } catch {
          show(undefined);
          shown();
          setTimeout(() => void follow(), 1000);
        }
      };
      void follow();
    });
  }

  /** Calls once per frame at most, however often it is asked. */
  soon(action: () => unknown): () => void {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      // Not a frame: a hidden tab gets none, and shall be right when it is shown.
      setTimeout(async () => {
        asked = false;
        try {
          await action();
        } catch (error) {
          this.fail(error);
        }
      }, 16);
    };
  }

  get isPlaying(): boolean {
    return this.playing;
  }

  switch(on: boolean): void {
    this.playing = on;
    if (!this.play) return;
    this.play.textContent = on ? 'Pause' : 'Play';
    this.play.setAttribute('aria-label', `${on ? 'Pause' : 'Play'} ${this.spec.title}`);
  }
}

/** A row of numbers with their names; the widths stay. */
export class Figures {
  readonly root: HTMLElement;
  private readonly cells = new Map<string, HTMLElement>();

  constructor(names: readonly string[]) {
    this.root = h('dl', { class: 'figures' });
    for (const name of names) {
      const cell = h('dd', { 'data-figure': name }, '–');
      this.cells.set(name, cell);
      this.root.append(h('div', {}, h('dt', {}, name), cell));
    }
  }

  show(name: string, text: string): void {
    const cell = this.cells.get(name);
    if (cell && cell.textContent !== text) cell.textContent = text;
  }
}
