/** Reading and writing WebAssembly modules, as far as the passes of this folder need it. */

export const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, start: 8, element: 9, code: 10 };

export class Cursor {
  constructor(bytes, at = 0, end = bytes.length) {
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

  /** Past a number of any size, with or without a sign. */
  skipNumber() {
    while (this.byte() > 127);
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

export function number(value) {
  const out = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return Buffer.from([...out, value]);
}

/** Its sections: what each is, and its bytes. */
export function sections(wasm) {
  const module = new Cursor(wasm, 8);
  const found = [];
  while (module.at < module.end) found.push([module.byte(), module.part().rest()]);
  return found;
}

/** The module of these sections. */
export function join(sections) {
  const header = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  return Buffer.concat([header, ...sections.flatMap(([id, bytes]) => [Buffer.from([id]), number(bytes.length), bytes])]);
}

/** The bodies of a code section. */
export function bodies(code) {
  const cursor = new Cursor(code);
  return Array.from({ length: cursor.number() }, () => cursor.part().rest());
}

/** How many functions are imported: they come first in the numbering. */
export function importedFunctions(section) {
  let functions = 0;
  const cursor = new Cursor(section);
  const limits = () => {
    if (cursor.number() & 1) cursor.number();
    cursor.number();
  };
  for (let left = cursor.number(); left > 0; left--) {
    cursor.text();
    cursor.text();
    const kind = cursor.byte();
    if (kind === 0) functions++;
    if (kind === 0 || kind === 4) cursor.number();
    if (kind === 1 || kind === 3) cursor.byte();
    if (kind === 1 || kind === 2) limits();
    if (kind === 3) cursor.byte();
    if (kind === 4) cursor.number();
  }
  return functions;
}
