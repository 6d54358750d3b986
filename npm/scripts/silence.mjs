/**
 * Takes the messages of panics out of the WebAssembly module.
 *
 * What a panic calls becomes one instruction, `unreachable`. wasm-opt then removes what only led there, and all
 * that made messages. A panic is a trap as before; the stack that JavaScript shows still says where.
 */

/** Functions that never return, by the names that the compiler gives them. */
const PANICS =
  /panicking|unwrap_failed|expect_failed|_fail::|_fail$|panic_already|panic_const|handle_alloc_error|capacity_overflow|handle_error|begin_unwind|slice_.*_fail/;

const CODE = 10;
const IMPORT = 2;
const CUSTOM = 0;
const NAMES = 'name';
const FUNCTION_NAMES = 1;

/** No locals, `unreachable`, `end`; its length first. */
const TRAP = Buffer.from([3, 0, 0, 0x0b]);

class Cursor {
  constructor(bytes, at, end = bytes.length) {
    Object.assign(this, { bytes, at, end });
  }

  byte() {
    return this.bytes[this.at++];
  }

  number() {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      result |= (byte & 127) << shift;
      if (byte < 128) return result >>> 0;
    }
  }

  /** The next bytes, their length first. */
  part() {
    const length = this.number();
    this.at += length;
    return new Cursor(this.bytes, this.at - length, this.at);
  }

  rest() {
    return this.bytes.subarray(this.at, this.end);
  }

  text() {
    return this.part().rest().toString();
  }
}

function number(value) {
  const out = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return Buffer.from([...out, value]);
}

/** How many functions are imported: they come first in the numbering. */
function importedFunctions(section) {
  let functions = 0;
  const limits = () => {
    if (section.number() & 1) section.number();
    section.number();
  };
  for (let left = section.number(); left > 0; left--) {
    section.text();
    section.text();
    const kind = section.byte();
    if (kind === 0) functions++;
    if (kind === 0 || kind === 4) section.number();
    if (kind === 1 || kind === 3) section.byte();
    if (kind === 1 || kind === 2) limits();
    if (kind === 3) section.byte();
    if (kind === 4) section.number();
  }
  return functions;
}

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
  const module = new Cursor(wasm, 8);
  const sections = [];
  let imported = 0;
  let names = new Map();
  while (module.at < module.end) {
    const id = module.byte();
    const section = module.part();
    sections.push([id, section.rest()]);
    if (id === IMPORT) imported = importedFunctions(section);
    if (id === CUSTOM && section.text() === NAMES) names = functionNames(section);
  }
  let silenced = 0;
  const out = [wasm.subarray(0, 8)];
  for (let [id, bytes] of sections) {
    if (id === CODE) {
      const code = new Cursor(bytes, 0);
      const count = code.number();
      const bodies = [number(count)];
      for (let i = 0; i < count; i++) {
        const body = code.part().rest();
        const panics = PANICS.test(names.get(imported + i) ?? '');
        if (panics) silenced++;
        bodies.push(...(panics ? [TRAP] : [number(body.length), body]));
      }
      bytes = Buffer.concat(bodies);
    }
    out.push(Buffer.from([id]), number(bytes.length), bytes);
  }
  if (silenced < 10) throw new Error('the functions that panic have other names than scripts/silence.mjs knows');
  return Buffer.concat(out);
}
