/** The console: a RESP connection to the engine, with history, completion and help from the command table. */

import type { Engine } from 'redstart';
import table from 'redstart/commands.json';
import { format, Parser, request, words } from './resp.ts';

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
  ['ZINCRBY leaderboard 250 Ada', 'watch the leaderboard'],
  ['PUBLISH chat "hello from the console"', 'watch the chat'],
  ['INFO server', ''],
] as const;

const LINES_MAX = 500;
const history: string[] = [];

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

export function startConsole(engine: Engine, ran: (microseconds: number) => void): void {
  const screen = document.querySelector<HTMLElement>('#screen')!;
  const form = document.querySelector<HTMLFormElement>('#prompt')!;
  const input = document.querySelector<HTMLInputElement>('#line')!;
  const ghost = document.querySelector<HTMLElement>('#ghost')!;
  const hint = document.querySelector<HTMLElement>('#hint')!;
  const chips = document.querySelector<HTMLElement>('#chips')!;

  let waiting: [kind: string, text: string][] = [];
  let running = false;
  let connection = open();
  let place = 0;

  function print(kind: string, text: string): void {
    screen.append(element('div', kind, text));
    while (screen.childElementCount > LINES_MAX) screen.firstElementChild!.remove();
    screen.scrollTop = screen.scrollHeight;
  }

  function flush(): void {
    const lines = waiting;
    waiting = [];
    for (const [kind, text] of lines) print(kind, text);
  }

  function open() {
    const parser = new Parser();
    const made = engine.connect();
    let greeted = false;
    made.onData((bytes) => {
      for (const node of parser.feed(bytes)) {
        // The reply to HELLO is not for the reader.
        if (!greeted) greeted = true;
        else waiting.push(...format(node));
      }
      if (!running) flush();
    });
    made.onClose(() => {
      waiting.push(['none', '(the connection was closed; the next command opens another)']);
      if (!running) flush();
    });
    made.write(request(['HELLO', '3']));
    return made;
  }

  function run(line: string): void {
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
    if (!connection.isOpen) connection = open();
    const bytes = request(args);
    // Shown afterwards, so that the time is the engine's and not the page's.
    running = true;
    const start = performance.now();
    connection.write(bytes);
    ran((performance.now() - start) * 1000);
    running = false;
    flush();
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
      ghost.append(element('span', 'typed', input.value), isLower ? rest.toLowerCase() : rest);
    } else if (found) {
      const given = input.value.trimStart().slice(found[0].length);
      if (!given.trim()) ghost.append(element('span', 'typed', input.value.trimEnd()), ` ${found[1].syntax}`);
    }
    hint.replaceChildren();
    if (found) {
      hint.append(element('code', '', `${found[0]} ${found[1].syntax}`), ` ${found[1].summary}`);
    } else if (first) {
      const list = completions();
      hint.append(element('kbd', '', 'Tab'), ` ${list.slice(0, 8).join('  ')}${list.length > 8 ? '  …' : ''}`);
    } else if (!input.value) {
      hint.append(element('kbd', '', '↑'), ' history  ', element('kbd', '', 'Tab'), ' completes  ', element('kbd', '', 'help'), ' lists the commands');
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
    run(input.value);
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
    const chip = element('button', '', line);
    chip.type = 'button';
    if (title) chip.title = title;
    chip.addEventListener('click', () => run(line));
    chips.append(chip);
  }
  const race = element('button', 'race', '100,000 × SET');
  race.type = 'button';
  race.addEventListener('click', () => {
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) engine.set('race', 'a value of 20 bytes.');
    const ms = performance.now() - start;
    print('asked', '100,000 × engine.set(…)');
    print('number', `${ms.toFixed(0)} ms: ${Math.round(100_000 / ms).toLocaleString('en')} thousand a second, ${((ms / 100_000) * 1e6).toFixed(0)} ns each`);
    engine.del('race');
  });
  chips.append(race);

  print('none', 'This is a real Redis engine. Type a command, or press one below.');
  run('SET greeting "hello, tab"');
  run('GET greeting');
  run('LPUSH birds redstart robin wren');
  run('LRANGE birds 0 -1');
  advise();
  if (matchMedia('(min-width: 60rem)').matches) input.focus({ preventScroll: true });
}
