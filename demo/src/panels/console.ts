/** The console: a connection of its own, with history, completion and help from the command table. */

import table from 'redstart/commands.json';
import { bytes, count, h } from '../kit/dom.ts';
import { format, type Node as Reply, Parser, request, words } from '../kit/resp.ts';
import type { Place, Wire } from '../kit/wire.ts';

interface Command {
  name: string;
  syntax: string;
  summary: string;
  group: string;
  complexity: string;
}

const commands = new Map<string, Command>(
  (table as Command[]).map((command) => [command.name.replace('|', ' ').toUpperCase(), command]),
);
const names = [...commands.keys()].sort();

const TRY = [
  ['SET greeting "hello, tab" EX 60', 'a string that expires'],
  ['GET greeting', ''],
  ['HSET bird name redstart weight 15', 'a hash'],
  ['HGETALL bird', ''],
  ['ZINCRBY demo:board 250 Ada', 'watch the leaderboard'],
  ['HSET demo:flags banner 1', 'watch the feature flags'],
  ['INFO server', ''],
] as const;

const LINES_MAX = 500;
const history: string[] = [];

export interface Console {
  /** Runs a line as if it had been typed; done when its reply is there. */
  run(line: string): Promise<void>;
  /** Puts a line where one types. */
  propose(line: string): void;
  focus(): void;
  /** Called for each reply with the words that asked for it. */
  onReply: ((args: string[], reply: Reply) => void) | undefined;
}

export function startConsole(at: Place, ran: (microseconds: number) => void): Console {
  const screen = document.querySelector<HTMLElement>('#screen')!;
  const form = document.querySelector<HTMLFormElement>('#prompt')!;
  const input = document.querySelector<HTMLInputElement>('#line')!;
  const ghost = document.querySelector<HTMLElement>('#ghost')!;
  const hint = document.querySelector<HTMLElement>('#hint')!;
  const chips = document.querySelector<HTMLElement>('#chips')!;

  const asked: { args: string[]; start: number; done: () => void }[] = [];
  let greeted = false;
  let wire: Wire | undefined;
  let place = 0;
  const self: Console = { run, propose, focus: () => input.focus({ preventScroll: true }), onReply: undefined };

  function print(kind: string, text: string): void {
    screen.append(h('div', { class: kind }, text));
    while (screen.childElementCount > LINES_MAX) screen.firstElementChild!.remove();
    screen.scrollTop = screen.scrollHeight;
  }

  function open(): Wire {
    const parser = new Parser();
    greeted = false;
    const made: Wire = at.open({
      data: (bytes) => {
        const now = performance.now();
        for (const node of parser.feed(bytes)) {
          // The reply to HELLO is not for the reader.
          if (!greeted) {
            greeted = true;
            continue;
          }
          for (const [kind, text] of format(node)) print(kind, text);
          // Messages come between the replies.
          const isMessage = node.type === 'push' && node.items[0]?.type === 'bulk' && node.items[0].text.endsWith('message');
          const first = isMessage ? undefined : asked.shift();
          if (!first) continue;
          ran((now - first.start) * 1000);
          first.done();
          self.onReply?.(first.args, node);
        }
      },
      closed: () => {
        wire = undefined;
        for (const { done } of asked.splice(0)) done();
        print('none', '(the connection was closed; the next command opens another)');
      },
    });
    made.write(request(['HELLO', '3']));
    return made;
  }

  async function run(line: string): Promise<void> {
    const text = line.trim();
    if (!text) return;
    print('asked', text);
    if (history.at(-1) !== text) history.push(text);
    place = history.length;
    const args = words(text);
    if (!args) return print('error', 'Invalid argument(s): a quote is open');
    const [name] = args;
    if (name?.toLowerCase() === 'clear') return screen.replaceChildren();
    if (name?.toLowerCase() === 'help' || name === '?') return help(args.slice(1).join(' ').toUpperCase());
    wire ??= open();
    const bytes = request(args);
    await new Promise<void>((done) => {
      asked.push({ args, start: performance.now(), done });
      wire!.write(bytes);
    });
  }

  function propose(line: string): void {
    input.value = line;
    input.focus({ preventScroll: true });
    advise();
  }

  function help(asked: string): void {
    const command = commands.get(asked);
    if (command) {
      print('text', `${asked} ${command.syntax}`);
      print('none', `${command.summary} ${command.complexity}, group ${command.group}.`);
    } else {
      print('none', `${names.length} commands. HELP and a name tells more: ${names.filter((name) => !name.includes(' ')).join(' ')}`);
    }
  }

  /** The command that the line names, and how many words of it are arguments. */
  function named(line: string): [string, Command] | undefined {
    const typed = line.trimStart().toUpperCase().split(/\s+/);
    for (const count of [2, 1]) {
      const name = typed.slice(0, count).join(' ');
      const command = commands.get(name);
      if (command && (typed.length > count || line.endsWith(' '))) return [name, command];
    }
    return undefined;
  }

  function completions(): string[] {
    const line = input.value.trimStart().toUpperCase();
    return line ? names.filter((name) => name.startsWith(line) && name !== line) : [];
  }

  function advise(): void {
    const found = named(input.value);
    const [first] = completions();
    const isLower = input.value !== input.value.toUpperCase();
    ghost.textContent = '';
    if (first) {
      const rest = first.slice(input.value.trimStart().length);
      ghost.append(h('span', { class: 'typed' }, input.value), isLower ? rest.toLowerCase() : rest);
    } else if (found) {
      const given = input.value.trimStart().slice(found[0].length);
      if (!given.trim()) ghost.append(h('span', { class: 'typed' }, input.value.trimEnd()), ` ${found[1].syntax}`);
    }
    hint.replaceChildren();
    if (found) {
      hint.append(h('code', {}, `${found[0]} ${found[1].syntax}`), ` ${found[1].summary}`);
    } else if (first) {
      const list = completions();
      hint.append(h('kbd', {}, 'Tab'), ` ${list.slice(0, 8).join('  ')}${list.length > 8 ? '  …' : ''}`);
    } else if (!input.value) {
      hint.append(h('kbd', {}, '↑'), ' history  ', h('kbd', {}, 'Tab'), ' completes  ', h('kbd', {}, 'help'), ' lists the commands');
    }
  }

  function complete(): boolean {
    const list = completions();
    if (list.length === 0) return false;
    // Up to where all that fit agree; the first one where that is no progress.
    let common = list[0]!;
    for (const name of list) while (!name.startsWith(common)) common = common.slice(0, -1);
    const typed = input.value.trimStart();
    const next = common.length > typed.length ? common : list[0]!;
    const isLower = typed !== typed.toUpperCase();
    input.value = (isLower ? next.toLowerCase() : next) + (list.length === 1 || next !== common ? ' ' : '');
    return true;
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run(input.value);
    input.value = '';
    advise();
  });
  input.addEventListener('input', advise);
  input.addEventListener('keydown', (event) => {
    const caretAtEnd = input.selectionStart === input.value.length;
    if (event.key === 'Tab' && !event.shiftKey && input.value && complete()) {
      event.preventDefault();
    } else if (event.key === 'ArrowRight' && caretAtEnd && completions().length > 0) {
      event.preventDefault();
      const [first] = completions();
      const isLower = input.value !== input.value.toUpperCase();
      input.value = `${isLower ? first!.toLowerCase() : first} `;
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault();
      place = Math.min(Math.max(place + (event.key === 'ArrowUp' ? -1 : 1), 0), history.length);
      input.value = history[place] ?? '';
    } else if (event.key === 'l' && event.ctrlKey) {
      event.preventDefault();
      screen.replaceChildren();
    } else if (event.key === 'Escape') {
      input.value = '';
    } else {
      return;
    }
    advise();
  });
  // Typing anywhere in the console goes to its line, selecting text does not.
  screen.addEventListener('mouseup', () => {
    if (!getSelection()?.toString()) input.focus({ preventScroll: true });
  });

  for (const [line, title] of TRY) {
    const chip = h('button', {}, line);
    chip.type = 'button';
    if (title) chip.title = title;
    chip.addEventListener('click', () => void run(line));
    chips.append(chip);
  }
  const race = h('button', { class: 'race', type: 'button' }, '100,000 × SET');
  race.addEventListener('click', async () => {
    // Synchronous calls need an engine in this tab.
    const { Engine } = await import('redstart');
    const engine = await Engine.open();
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) engine.set('race', 'a value of 20 bytes.');
    const ms = performance.now() - start;
    print('asked', '100,000 × engine.set(…) on an engine of this tab');
    print('number', `${ms.toFixed(0)} ms: ${count(100_000 / ms)} thousand a second, ${((ms / 100_000) * 1e6).toFixed(0)} ns each, ${bytes(engine.report().usedMemory)} in use`);
    engine.free();
  });
  chips.append(race);

  const where = { shared: 'It lives in this browser, behind all tabs of this page.', tab: 'It lives in this tab.', server: 'It is a redstart-server.' }[at.kind];
  print('none', `This is a real Redis engine. ${where} Type a command, or press one below.`);
  advise();
  return self;
}
