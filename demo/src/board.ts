/** The leaderboard: a sorted set, drawn anew whenever the engine says that its key has changed. */

import type { Engine } from 'redstart';

const KEY = 'leaderboard';
const ROWS = 5;
const ROW_REM = 2.3;
const PLAYERS = { Ada: 920, Grace: 810, Edsger: 690, Barbara: 640, Radia: 530, Donald: 470, Lynn: 440 };

export function startBoard(engine: Engine): void {
  const list = document.querySelector<HTMLOListElement>('#board')!;
  const log = document.querySelector<HTMLElement>('#board-log')!;
  const play = document.querySelector<HTMLButtonElement>('#board-play')!;
  const rows = new Map<string, { row: HTMLLIElement; place: HTMLElement; bar: HTMLElement; score: HTMLElement }>();
  list.style.height = `${ROWS * ROW_REM}rem`;

  function score(name: string, points: number): void {
    engine.zincrby(KEY, points, name);
    log.textContent = `ZINCRBY ${KEY} ${points} ${name}`;
  }

  function make(name: string) {
    const row = document.createElement('li');
    row.innerHTML = '<span class="place"></span><span class="name"></span><span class="track"><span class="bar"></span></span><span class="score"></span><button type="button">+100</button>';
    const part = (selector: string) => row.querySelector<HTMLElement>(selector)!;
    part('.name').textContent = name;
    const button = row.querySelector('button')!;
    button.setAttribute('aria-label', `100 points for ${name}`);
    button.addEventListener('click', () => score(name, 100));
    list.append(row);
    return { row, place: part('.place'), bar: part('.bar'), score: part('.score') };
  }

  function draw(): void {
    let top: [string, number][] = [];
    try {
      top = engine.zrange(KEY, 0, ROWS - 1, 'REV', 'WITHSCORES') as unknown as [string, number][];
    } catch {
      // Someone has made the key another type in the console: there is nothing to show.
    }
    const best = top[0]?.[1] ?? 1;
    const seen = new Set<string>();
    top.forEach(([name, points], i) => {
      seen.add(name);
      let parts = rows.get(name);
      if (!parts) {
        parts = make(name);
        rows.set(name, parts);
      }
      parts.row.style.transform = `translateY(${i * ROW_REM}rem)`;
      parts.row.classList.remove('gone');
      parts.place.textContent = String(i + 1);
      parts.bar.style.width = `${Math.max(2, (100 * points) / best)}%`;
      parts.score.textContent = points.toLocaleString('en');
    });
    for (const [name, { row }] of rows) {
      if (!seen.has(name)) {
        row.style.transform = `translateY(${ROWS * ROW_REM}rem)`;
        row.classList.add('gone');
      }
    }
  }

  let drawing = 0;
  engine.subscribe(`__keyspace@0__:${KEY}`, () => {
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      draw();
    });
  });
  for (const [name, points] of Object.entries(PLAYERS)) engine.zadd(KEY, points, name);
  draw();

  let playing = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  const names = Object.keys(PLAYERS);
  const label = () => {
    play.textContent = playing ? 'Pause' : 'Play';
    play.setAttribute('aria-pressed', String(playing));
  };
  play.addEventListener('click', () => {
    playing = !playing;
    label();
  });
  label();
  setInterval(() => {
    if (playing && !document.hidden) score(names[Math.floor(Math.random() * names.length)]!, 5 * Math.ceil(Math.random() * 12));
  }, 1600);
}
