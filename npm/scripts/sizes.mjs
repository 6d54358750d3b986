/**
 * What the package takes to download, from what was built last: `npm run sizes`.
 *
 * Bytes, gzipped at level 9 and with brotli at level 11, as servers and CDNs send them. The page's code is bundled and
 * minified by esbuild; the share of Lua is that of its functions in all of the module's code, by the names that the
 * compiler gives them, before wasm-opt takes the names away.
 */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const npm = fileURLToPath(new URL('..', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url));

const packed = (bytes) => ({
  bytes: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
});

/** What a page has of the package besides the engine, if it is bundled and minified. */
async function code(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: `${npm}dist` }, bundle: true, minify: true, format: 'esm', write: false, outdir: 'out', loader: { '.wasm': 'file' },
  });
  return outputFiles.find(({ path }) => path.endsWith('.js')).contents;
}

/** The share of functions whose names match, in bytes of code. */
function share(wasm, pattern) {
  let at = 8;
  const number = () => {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      result |= (byte & 127) << shift;
      if (byte < 128) return result >>> 0;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return wasm.toString('utf8', at - length, at);
  };
  const lengths = [];
  const names = new Map();
  let imports = 0;
  while (at < wasm.length) {
    const kind = wasm[at++];
    const length = number();
    const end = at + length;
    if (kind === 2) {
      // wasm-bindgen's imports are functions, but for tables and memories.
      for (let left = number(); left > 0; left--) {
        text();
        text();
        if (wasm[at++] !== 0) throw new Error('an import that is no function');
        number();
        imports++;
      }
    } else if (kind === 10) {
      for (let left = number(); left > 0; left--) {
        lengths.push(number());
        at += lengths.at(-1);
      }
    } else if (kind === 0 && text() === 'name') {
      while (at < end) {
        const part = wasm[at++];
        const next = number() + at;
        if (part === 1) for (let left = number(); left > 0; left--) names.set(number(), text());
        at = next;
      }
    }
    at = end;
  }
  const all = lengths.reduce((sum, length) => sum + length, 0);
  const found = lengths.filter((_, i) => pattern.test(names.get(i + imports) ?? '')).reduce((sum, length) => sum + length, 0);
  return found / all;
}

const engine = packed(readFileSync(`${npm}dist/engine.wasm`));
const page = packed(await code("import { Engine } from './browser.mjs'; globalThis.Engine = Engine;"));
const sum = Object.fromEntries(Object.keys(engine).map((name) => [name, engine[name] + page[name]]));
console.table({
  'engine.wasm': engine,
  'a page’s code, minified': page,
  'a page in all': sum,
  'redstart/repl, minified': packed(await code("import './repl.mjs';")),
  'core.mjs, as it is packed': packed(readFileSync(`${npm}dist/core.mjs`)),
});
const linked = `${target}/npm/redstart_wasm_bg.wasm`;
if (existsSync(linked)) console.log(`Lua: ${(100 * share(readFileSync(linked), /script|lua/i)).toFixed(1)} % of the module's code`);
