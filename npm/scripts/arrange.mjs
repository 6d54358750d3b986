/**
 * Puts the functions of a WebAssembly module in an order that compresses well.
 *
 * gzip finds what it has seen in the last 32 KB only. So each place goes to the function that has most in common
 * with those just before it: what they share are runs of a few bytes, and a run that few functions have counts
 * more. Functions that are called most keep the first places, as their numbers take one byte there. Alignments,
 * which are hints that no engine heeds, become zero. Nothing else changes but the numbers of the functions.
 */

import { bodies, Cursor, importedFunctions, join, number, SECTION, sections } from './module.mjs';

/** What gzip can look back on. */
const WINDOW = 32 * 1024;
/** How long the runs are that are compared. */
const RUNS = [4, 8];
/** A run that more functions have says nothing of any of them. */
const COMMON = 100;
/** How many of the functions that are called most come first. */
const FIRST = 60;
/** Long functions have more runs. Taken by runs alone they would all be first, by runs per byte all last. */
const LENGTH_COUNTS = 0.75;
/** Runs are told apart by so many bits of their hash. */
const HASH_BITS = 24;

/** The numbers in a function's body that may change: `[function or alignment?, from, to, value]`. */
function numbers(body) {
  const found = [];
  const code = new Cursor(body);
  const skip = (count) => {
    for (; count > 0; count--) code.skipNumber();
  };
  const note = (kind) => {
    const from = code.at;
    found.push([kind, from, (code.number(), code.at)]);
  };
  for (let kinds = code.number(); kinds > 0; kinds--) skip(2);
  found.start = code.at;
  while (code.at < code.end) {
    const op = code.byte();
    if (op === 0x10 || op === 0xd2) {
      note('function');
    } else if (op >= 0x28 && op <= 0x3e) {
      note('alignment');
      skip(1);
    } else if ((op >= 0x02 && op <= 0x04) || op === 0x0c || op === 0x0d || (op >= 0x20 && op <= 0x26)) {
      skip(1);
    } else if (op === 0x3f || op === 0x40 || op === 0x41 || op === 0x42 || op === 0xd0) {
      skip(1);
    } else if (op === 0x11) {
      skip(2);
    } else if (op === 0x0e || op === 0x1c) {
      skip(code.number() + (op === 0x0e ? 1 : 0));
    } else if (op === 0x43 || op === 0x44) {
      code.at += op === 0x43 ? 4 : 8;
    } else if (op === 0xfc) {
      const more = code.number();
      if (more > 17) throw new Error(`an instruction is unknown: 0xfc ${more}`);
      if (more >= 8) skip([2, 1, 2, 1, 2, 1, 2, 1, 1, 1][more - 8]);
    } else if (![0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, 0xd1].includes(op) && !(op >= 0x45 && op <= 0xc4)) {
      throw new Error(`an instruction is unknown: 0x${op.toString(16)}`);
    }
  }
  if (code.at !== code.end) throw new Error('a function has no end');
  return found;
}

/** The runs of each body that other bodies have as well, by number, and what each run counts. */
function runs(bodies) {
  const having = new Uint16Array(1 << HASH_BITS);
  const seen = new Int32Array(1 << HASH_BITS).fill(-1);
  const all = bodies.map((body, i) => {
    const own = [];
    for (const length of RUNS) {
      for (let at = 0; at + length <= body.length; at++) {
        let hash = length;
        for (let j = at; j < at + length; j++) hash = Math.imul(hash, 0x01000193) ^ body[j];
        hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> (32 - HASH_BITS);
        if (seen[hash] === i) continue;
        seen[hash] = i;
        having[hash]++;
        own.push(hash);
      }
    }
    return own;
  });
  return { having, shared: all.map((own) => own.filter((run) => having[run] > 1 && having[run] <= COMMON)) };
}

/** The bodies' numbers, from `first` on each followed by the one that is most like those before it. */
function similar(bodies, first) {
  const { having, shared } = runs(bodies);
  const haves = new Map();
  for (const [i, own] of shared.entries()) {
    for (const run of own) {
      if (!haves.has(run)) haves.set(run, []);
      haves.get(run).push(i);
    }
  }
  const inWindow = new Uint16Array(1 << HASH_BITS);
  const score = new Float64Array(bodies.length);
  const worth = bodies.map((body) => 1 / (body.length + 8) ** LENGTH_COUNTS);
  const left = new Set(bodies.keys());
  const order = [];
  let oldest = 0;
  let size = 0;
  const add = (next) => {
    order.push(next);
    left.delete(next);
    for (const run of shared[next]) {
      if (inWindow[run]++ === 0) for (const i of haves.get(run)) score[i] += 1 / Math.log(having[run]);
    }
    for (size += bodies[next].length; size > WINDOW && oldest < order.length - 1; oldest++) {
      size -= bodies[order[oldest]].length;
      for (const run of shared[order[oldest]]) {
        if (--inWindow[run] === 0) for (const i of haves.get(run)) score[i] -= 1 / Math.log(having[run]);
      }
    }
  };
  first.forEach(add);
  while (left.size > 0) {
    let best = -1;
    let most = -Infinity;
    for (const i of left) {
      if (score[i] * worth[i] > most) [best, most] = [i, score[i] * worth[i]];
    }
    add(best);
  }
  return order;
}

/** The module with its functions in that order. Its names must be gone. */
export function arrange(wasm) {
  const parts = sections(wasm);
  const part = (id) => parts.find((part) => part[0] === id)?.[1];
  const imported = importedFunctions(part(SECTION.import));
  const old = bodies(part(SECTION.code));
  const places = old.map(numbers);

  const calls = new Uint32Array(old.length);
  for (const [i, body] of old.entries()) {
    for (const [kind, from] of places[i]) {
      const called = kind === 'function' ? new Cursor(body, from).number() : 0;
      if (called >= imported) calls[called - imported]++;
    }
  }
  const most = [...old.keys()].sort((a, b) => calls[b] - calls[a] || a - b).slice(0, FIRST);
  const order = similar(old, most);
  const place = new Uint32Array(old.length);
  for (const [to, from] of order.entries()) place[from] = to;
  const renumbered = (i) => number(i < imported ? i : imported + place[i - imported]);

  const written = (i) => {
    const out = [];
    let at = 0;
    for (const [kind, from, to] of places[i]) {
      out.push(old[i].subarray(at, from), kind === 'function' ? renumbered(new Cursor(old[i], from).number()) : number(0));
      at = to;
    }
    const body = Buffer.concat([...out, old[i].subarray(at)]);
    return Buffer.concat([number(body.length), body]);
  };

  const rewrite = {
    [SECTION.function](cursor) {
      const types = Array.from({ length: cursor.number() }, () => number(cursor.number()));
      return [number(types.length), ...order.map((i) => types[i])];
    },
    [SECTION.export](cursor) {
      const count = cursor.number();
      const out = [number(count)];
      for (let left = count; left > 0; left--) {
        const name = cursor.part().rest();
        const kind = cursor.byte();
        out.push(number(name.length), name, Buffer.from([kind]), kind === 0 ? renumbered(cursor.number()) : number(cursor.number()));
      }
      return out;
    },
    [SECTION.start]: (cursor) => [renumbered(cursor.number())],
    [SECTION.element](cursor) {
      const count = cursor.number();
      const out = [number(count)];
      for (let left = count; left > 0; left--) {
        const from = cursor.at;
        // At a constant place of the first table: the only kind that the compiler makes.
        if (cursor.number() !== 0 || cursor.byte() !== 0x41) throw new Error('a table is filled in an unknown way');
        cursor.skipNumber();
        if (cursor.byte() !== 0x0b) throw new Error('a table is filled in an unknown way');
        const head = cursor.bytes.subarray(from, cursor.at);
        const functions = Array.from({ length: cursor.number() }, () => renumbered(cursor.number()));
        out.push(head, number(functions.length), ...functions);
      }
      return out;
    },
    [SECTION.code]: () => [number(order.length), ...order.map(written)],
  };
  const known = [SECTION.type, SECTION.import, 4, 5, 6, 11, 12, ...Object.keys(rewrite).map(Number)];
  return join(
    parts.filter(([id]) => id !== SECTION.custom).map(([id, bytes]) => {
      if (!known.includes(id)) throw new Error(`a section is unknown: ${id}`);
      return [id, rewrite[id] ? Buffer.concat(rewrite[id](new Cursor(bytes))) : bytes];
    }),
  );
}
