/** Lessons: Redis step by step, in the console. A step is done when its command has been run and replied as it should. */

import { h } from '../kit/dom.ts';
import { type RedstartRepl, words } from 'redstart/repl';
import type { Replied } from './console.ts';

interface Step {
  text: string;
  /** What to type. */
  line: string;
  /** Whether what was typed does it; by default the same command on the same key. */
  done?: (args: string[]) => boolean;
  /** Said afterwards. */
  after: string;
}

const LESSONS: { title: string; steps: Step[] }[] = [
  {
    title: 'Strings',
    steps: [
      { text: 'A key holds a value. Store a greeting.', line: 'SET greeting hello', after: 'OK: it is there, for every client.' },
      { text: 'Read it back.', line: 'GET greeting', after: 'A key that is not there would give (nil).' },
      { text: 'Numbers can count, atomically: no two clients get the same one.', line: 'INCR visits', after: 'Run it again and it goes on: a key that is missing begins at 0.' },
      { text: 'A key may have an end. This one lives ten seconds.', line: 'SET code 4711 EX 10', after: 'Nobody has to clean up.' },
      { text: 'How long has it left?', line: 'TTL code', after: '-2 means that it is gone already, -1 that it has no end.' },
    ],
  },
  {
    title: 'Hashes',
    steps: [
      { text: 'A hash is an object: fields with values.', line: 'HSET user:1 name Ada city London', after: 'The reply is the number of new fields.' },
      { text: 'One field…', line: 'HGET user:1 city', after: 'Nothing else is read or sent.' },
      { text: '… or all of them.', line: 'HGETALL user:1', after: 'Large hashes are better read with HSCAN.' },
      { text: 'Fields count too.', line: 'HINCRBY user:1 logins 1', after: 'The field was made by this.' },
    ],
  },
  {
    title: 'Lists',
    steps: [
      { text: 'A list is a queue: push work at the left.', line: 'LPUSH jobs resize upload', after: 'The reply is how long it is now.' },
      { text: 'Look without taking.', line: 'LRANGE jobs 0 -1', after: '-1 is the last element.' },
      { text: 'Take from the right: the oldest first.', line: 'RPOP jobs', after: 'BRPOP would wait for one when there is none.' },
    ],
  },
  {
    title: 'Sets',
    steps: [
      { text: 'A set has each member once.', line: 'SADD tags:a redis fast', after: 'Adding one again gives 0.' },
      { text: 'Another one, to compare.', line: 'SADD tags:b redis wasm', after: '' },
      { text: 'What do both have?', line: 'SINTER tags:a tags:b', after: 'SUNION and SDIFF are its siblings.' },
    ],
  },
  {
    title: 'Sorted sets',
    steps: [
      { text: 'A sorted set keeps members in the order of their scores.', line: 'ZADD race 31 Ada 29 Lin 35 Kay', after: 'Every leaderboard is one of these.' },
      { text: 'The fastest two, with their times.', line: 'ZRANGE race 0 1 WITHSCORES', after: 'REV turns the order around.' },
      { text: 'Which place is Kay at?', line: 'ZRANK race Kay', after: 'Places begin at 0. This is as fast with a million members.' },
    ],
  },
  {
    title: 'Transactions',
    steps: [
      { text: 'MULTI begins to collect commands.', line: 'MULTI', after: 'They wait now.' },
      { text: 'Queue one…', line: 'INCRBY account:a -5', after: 'QUEUED, not run.' },
      { text: '… and another.', line: 'INCRBY account:b 5', after: '' },
      { text: 'Run them: nobody sees the state between.', line: 'EXEC', after: 'One reply for each.' },
    ],
  },
  {
    title: 'Scripts',
    steps: [
      { text: 'Lua runs inside, as one step: read, decide, write.', line: `EVAL "return redis.call('INCRBY', KEYS[1], ARGV[1]) * 2" 1 visits 20`, done: (args) => args[0]!.toUpperCase() === 'EVAL', after: 'The rate limiter and the lock below are made like this.' },
      { text: 'That was the tour. See what the page has stored.', line: 'SCAN 0 MATCH demo:* COUNT 1000', done: (args) => ['SCAN', 'KEYS'].includes(args[0]!.toUpperCase()), after: 'Every panel below lives in these keys. Change them and watch.' },
    ],
  },
];

const PLACE = 'redstart-lesson';

export function startLesson(host: HTMLElement, screen: RedstartRepl): void {
  const all = LESSONS.flatMap((lesson, i) => lesson.steps.map((step, j) => ({ ...step, lesson: lesson.title, number: j + 1, of: lesson.steps.length, chapter: i })));
  let at = Math.min(Number(sessionStorage.getItem(PLACE) ?? 0), all.length - 1);

  const title = h('strong', {});
  const text = h('span', {});
  const code = h('code', {});
  const after = h('p', { class: 'after', 'aria-live': 'polite' }, '\u00a0');
  const chapters = h('select', { 'aria-label': 'Lesson', onchange: () => go(all.findIndex((step) => step.chapter === Number(chapters.value))) }, ...LESSONS.map((lesson, i) => h('option', { value: i }, `${i + 1}. ${lesson.title}`)));
  const back = h('button', { type: 'button', onclick: () => go(at - 1) }, 'Back');
  const type = h('button', { type: 'button', class: 'primary', onclick: () => screen.propose(all[at]!.line) }, 'Type it for me');
  const skip = h('button', { type: 'button', onclick: () => go(at + 1) }, 'Skip');
  host.append(h('div', { class: 'lesson-head' }, chapters, title), h('p', {}, text), h('p', { class: 'try' }, code), after, h('div', { class: 'row' }, type, back, skip));

  function go(to: number, said = ''): void {
    at = Math.max(0, Math.min(to, all.length - 1));
    sessionStorage.setItem(PLACE, String(at));
    const step = all[at]!;
    title.textContent = `${step.number} of ${step.of}`;
    chapters.value = String(step.chapter);
    text.textContent = step.text;
    code.textContent = step.line;
    after.textContent = said || '\u00a0';
    back.disabled = at === 0;
    skip.disabled = at === all.length - 1;
  }

  screen.addEventListener('reply', (event) => {
    const { line, reply } = (event as CustomEvent<Replied>).detail;
    const args = words(line);
    if (host.hidden || !args) return;
    const step = all[at]!;
    const [name, key] = step.line.split(' ');
    const isSame = args[0]!.toUpperCase() === name && (key === undefined || args[1]?.toLowerCase() === key.toLowerCase());
    if (reply.type === 'error' || !(step.done ? step.done(args) : isSame)) return;
    go(at + 1, `✓ ${step.after || 'Good.'}`);
  });
  go(at);
}
