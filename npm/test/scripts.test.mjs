/**
 * The conformance scripts, Lua's checks and generated programs in WebAssembly: what the native engine was
 * sent and replied is sent again, and every byte must be the same, but for figures about the host.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Engine } from 'redstart';
import { repository as root } from './where.mjs';

/** Figures about the host, which is another one here. */
const HOSTS = /^(used_memory|mem_|maxmemory|total_system|rss|allocator|lazyfree|arch_bits|redis_build|os:)/;

function tapes() {
  mkdirSync(`${root}target/npm`, { recursive: true });
  const file = `${root}target/npm/tapes.txt`;
  execFileSync('cargo', ['run', '-q', '-p', 'redstart-tests', '--bin', 'task', '--', 'tapes', file], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const found = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('script ')) found.push({ name: line.slice(7), config: {}, lines: [] });
    else if (line.startsWith('config ')) found.at(-1).config[line.split(' ')[1]] = line.split(' ')[2];
    else if (line) found.at(-1).lines.push(line);
  }
  return found;
}

/** Repeats one tape; the first difference, if any. */
async function play({ config, lines }) {
  // 2026-01-01, noon: when every engine of the tests is born.
  let unix = 1_767_268_800_000;
  let mono = 1000;
  const engine = await Engine.open({
    seed: new Uint8Array(32).fill(7),
    config: { maxmemory: 0, 'enable-debug-command': 'yes', ...config },
    clock: { now: () => unix, mono: () => mono },
  });
  const connections = new Map();
  const out = [];
  const happened = [];
  try {
    for (const line of lines) {
      const [kind, name, value] = line.split(' ');
      if (kind === 'connect') {
        const connection = engine.connect(value);
        connection.onData((bytes) => out.push(`out ${name} ${Buffer.from(bytes).toString('hex')}`));
        connection.onClose(() => connections.get(name) === connection && out.push(`close ${name}`));
        connections.set(name, connection);
      } else if (kind === 'in') {
        const connection = connections.get(name);
        if (connection.isOpen) connection.write(Buffer.from(value, 'hex'));
      } else if (kind === 'disconnect') {
        const connection = connections.get(name);
        connections.delete(name);
        connection.close();
      } else if (kind === 'time') {
        unix = Number(name) / 1000;
        mono = Number(value) / 1000;
        engine.tick();
      } else {
        const got = out.shift();
        if (got !== line && !sameButForHost(got, line) && !bothAreSizes(happened.at(-1), got, line)) {
          return `${happened.slice(-2).map(readable).join('\n')}\nnative: ${readable(line)}\nwasm:   ${readable(got ?? 'nothing')}`;
        }
        continue;
      }
      happened.push(line);
    }
    return out.length > 0 ? `more came: ${readable(out[0])}` : undefined;
  } finally {
    engine.free();
  }
}

const readable = (line) => {
  const [kind, name, hex] = line.split(' ');
  return hex ? `${kind} ${name} ${JSON.stringify(Buffer.from(hex, 'hex').toString('latin1')).slice(0, 600)}` : line;
};

/** INFO and the like, line by line without the figures about the host. */
function sameButForHost(a, b) {
  if (!a) return false;
  const bare = (line) => Buffer.from(line.split(' ')[2] ?? '', 'hex').toString('latin1').replace(/tot-mem=\d+/g, '');
  if (bare(a) === bare(b)) return true;
  const lines = (line) => Buffer.from(line.split(' ')[2] ?? '', 'hex').toString('latin1').split('\r\n').filter((text) => !HOSTS.test(text) && !/^[$=]\d+$/.test(text));
  const [left, right] = [lines(a), lines(b)].map((list) => list.join('\n').replace(/tot-mem=\d+/g, ''));
  return left === right && /^(# |id=)/.test(left);
}

/** MEMORY USAGE tells what the host's words and pointers cost: an integer on both sides. */
function bothAreSizes(sent, a, b) {
  const text = (line) => Buffer.from(line?.split(' ')[2] ?? '', 'hex').toString('latin1');
  // MEMORY STATS has nothing but such figures: their names must be the same.
  const names = (line) => text(line).replace(/\$\d+\r\n(?=-?[\d.]+)/g, '').replace(/-?\d+(\.\d+)?(e[+-]?\d+)?/g, '');
  if (text(sent).includes('MEMORY\r\n$5\r\nSTATS')) return names(a) === names(b);
  return text(sent).includes('MEMORY\r\n$5\r\nUSAGE\r\n') && [a, b].every((line) => /^:\d+\r\n$/.test(text(line)));
}

test('every script gets the same bytes in WebAssembly', async () => {
  const wrong = [];
  const all = tapes();
  for (const tape of all) {
    const difference = await play(tape);
    if (difference) wrong.push(`${tape.name}.test: ${difference}`);
  }
  assert.ok(all.length > 30, `only ${all.length} scripts`);
  assert.deepEqual(wrong, [], wrong.join('\n\n'));
});
