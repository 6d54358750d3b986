/**
 * Takes the messages of panics out of the WebAssembly module.
 *
 * What a panic calls becomes one instruction, `unreachable`. wasm-opt then removes what only led there, and all
 * that made messages. A panic is a trap as before; the stack that JavaScript shows still says where.
 */

import { bodies, Cursor, importedFunctions, join, number, SECTION, sections } from './module.mjs';

/** Functions that never return, by the names that the compiler gives them. */
const PANICS =
  /panicking|unwrap_failed|expect_failed|_fail::|_fail$|panic_already|panic_const|handle_alloc_error|capacity_overflow|handle_error|begin_unwind|slice_.*_fail/;

const NAMES = 'name';
const FUNCTION_NAMES = 1;

/** No locals, `unreachable`, `end`; its length first. */
const TRAP = Buffer.from([3, 0, 0, 0x0b]);

function functionNames(section) {
  const names = new Map();
  while (section.at < section.end) {
    const kind = section.byte();
    const part = section.part();
    if (kind !== FUNCTION_NAMES) continue;
    for (let left = part.number(); left > 0; left--) names.set(part.number(), part.text());
  }
  return names;
}

/** The module without them. It must have its functions' names. */
export function silence(wasm) {
  const parts = sections(wasm);
  let imported = 0;
  let names = new Map();
  for (const [id, bytes] of parts) {
    const cursor = new Cursor(bytes);
    if (id === SECTION.import) imported = importedFunctions(bytes);
    if (id === SECTION.custom && cursor.text() === NAMES) names = functionNames(cursor);
  }
  let silenced = 0;
  for (const part of parts) {
    if (part[0] !== SECTION.code) continue;
    const out = bodies(part[1]).map((body, i) => {
      if (!PANICS.test(names.get(imported + i) ?? '')) return Buffer.concat([number(body.length), body]);
      silenced++;
      return TRAP;
    });
    part[1] = Buffer.concat([number(out.length), ...out]);
  }
  if (silenced < 10) throw new Error('the functions that panic have other names than scripts/silence.mjs knows');
  return join(parts);
}
