/**
 * Builds the package: the engine for wasm32, wasm-bindgen's glue, wasm-opt, and a thin entry per runtime.
 *
 * `node build.mjs [--js]`: with `--js` only the TypeScript, on the WebAssembly that is there.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, deflateRawSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { arrange } from './scripts/arrange.mjs';
import { silence } from './scripts/silence.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? `${root}target`;
const work = `${target}/npm`;
/** `REDSTART_WASM_PANICS=1`: for debugging, a seventeenth larger. */
const PANIC_MESSAGES = process.env.REDSTART_WASM_PANICS === '1';
/** What the module may take to download, in bytes: a little more than it does, so that growth is seen. */
const GZIP_MAX = 470_000;
/** What the module and the minified library may take together: what a page downloads that takes the default entry. */
const DOWNLOAD_MAX = 500_000;
const TARGET = 'wasm32-unknown-unknown';

function run(program, args, options = {}) {
  try {
    return execFileSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: here, ...options });
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`${program} is missing`);
    process.exit(error.status ?? 1);
  }
}

/** A program from where `cargo verify` installs tools, or from the path. */
function tool(name) {
  const own = `${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/redstart/tools/bin/${name}`;
  return existsSync(own) ? own : name;
}

/** The environment in which cargo builds for WebAssembly: another toolchain where the usual one has no std for it. */
function cargoEnv() {
  const env = { ...process.env, CARGO_TARGET_DIR: target };
  // For size, but with small functions inlined: 1 % more to download, and a `get` takes a sixth less time.
  env.CARGO_PROFILE_RELEASE_OPT_LEVEL = process.env.REDSTART_WASM_OPT_LEVEL ?? 'z';
  const flags = ['-Cllvm-args=-inline-threshold=15'];
  // No test takes more than 66 KB of the stack. With a MB of it below them, addresses of data take a byte more.
  flags.push('-Clink-arg=-zstack-size=786432');
  // What every command passes through is for speed all the same, by an attribute that needs the variable.
  env.RUSTC_BOOTSTRAP = '1';
  flags.push('--cfg=redstart_small');
  // Nobody is told of a panic, so places and the contents of values need not be there.
  if (!PANIC_MESSAGES) flags.push('-Zlocation-detail=none', '-Zfmt-debug=none');
  env.RUSTFLAGS = [process.env.RUSTFLAGS, ...flags].filter(Boolean).join(' ');
  env.CARGO_PROFILE_RELEASE_STRIP = 'debuginfo';
  const hasStd = (toolchain) => {
    const more = toolchain ? { RUSTUP_TOOLCHAIN: toolchain } : {};
    try {
      const lib = execFileSync('rustc', ['--print', 'target-libdir', '--target', TARGET], {
        env: { ...env, ...more },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return existsSync(String(lib).trim());
    } catch {
      return false;
    }
  };
  const toolchain = [process.env.REDSTART_WASM_TOOLCHAIN, '', 'web'].find((t) => t !== undefined && hasStd(t));
  if (toolchain === undefined) throw new Error(`the Rust target ${TARGET} is missing: rustup target add ${TARGET}`);
  if (toolchain) env.RUSTUP_TOOLCHAIN = toolchain;
  return env;
}

function buildWasm() {
  run('cargo', ['build', '--release', '--quiet', '-p', 'redstart-wasm', '--lib', '--target', TARGET], {
    cwd: root,
    env: cargoEnv(),
  });
  mkdirSync(work, { recursive: true });
  const wasm = `${target}/${TARGET}/release/redstart_wasm.wasm`;
  run(tool('wasm-bindgen'), ['--target', 'web', '--omit-default-module-path', '--no-typescript', '--out-dir', work, wasm]);
  const linked = `${work}/redstart_wasm_bg.wasm`;
  if (!PANIC_MESSAGES) writeFileSync(linked, silence(readFileSync(linked)));
  run(`${here}node_modules/.bin/wasm-opt`, [
    // Segments without their zeros are smaller, and larger once they are compressed.
    // Functions with one caller are left as the compiler has them: put into it, they compress worse, by 23 KB.
    '-Oz', '--merge-similar-functions', '-Oz', '--skip-pass=memory-packing', '-ocimfs', '15',
    // Offsets go into loads and stores. Its last KB is then no part of the stack: there is a trap before.
    '--low-memory-unused', '--optimize-added-constants-propagate',
    '--enable-bulk-memory', '--enable-nontrapping-float-to-int', '--enable-sign-ext', '--enable-mutable-globals',
    '--enable-reference-types', '--enable-multivalue',
    linked, '-o', `${work}/optimized.wasm`,
  ]);
  writeFileSync(`${work}/engine.wasm`, arrange(readFileSync(`${work}/optimized.wasm`)));
  writeFileSync(`${work}/glue.mjs`, factory(readFileSync(`${work}/redstart_wasm.js`, 'utf8')));
}

/**
 * wasm-bindgen's glue holds one instance in its module's scope. Inside a function it holds one per call, so
 * every engine has its own memory: a trap ends one engine alone, and a freed engine's memory is given back.
 */
function factory(glue) {
  const loader = glue.indexOf('async function __wbg_load');
  if (loader < 0 || !glue.includes('export class Engine')) throw new Error('the glue is not as build.mjs knows it');
  const body = glue.slice(0, loader).replace('export class Engine', 'class Engine');
  return `export function instantiate(module) {
${body}
const instance = new WebAssembly.Instance(module, __wbg_get_imports());
__wbg_finalize_init(instance, module);
return { Engine, memory: wasm.memory, call: wasm.call };
}
`;
}

async function buildJs() {
  run(process.execPath, ['scripts/generate.mjs']);
  rmSync(`${here}dist`, { recursive: true, force: true });
  mkdirSync(`${here}dist`);
  copyFileSync(`${work}/engine.wasm`, `${here}dist/engine.wasm`);
  const wasm = readFileSync(`${work}/engine.wasm`);

  const { version } = JSON.parse(readFileSync(`${here}package.json`, 'utf8'));
  const common = { define: { REDSTART_VERSION: JSON.stringify(version) }, bundle: true, target: 'es2022', logLevel: 'warning', absWorkingDir: here };
  const glue = {
    name: 'glue',
    setup: (b) => b.onResolve({ filter: /^#glue$/ }, () => ({ path: `${work}/glue.mjs` })),
  };
  // One copy of the library for all entries of a kind, so that its state and classes are single.
  const sharing = (file) => ({
    name: 'shared',
    setup(b) {
      b.onResolve({ filter: /\/index\.js$/ }, () => ({ path: file, external: true }));
      b.onResolve({ filter: /engine\.wasm|bytes\.mjs|storages?\.mjs/ }, ({ path }) => ({ path, external: true }));
    },
  });
  const shared = sharing('./core.mjs');
  await build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/core.mjs', format: 'esm', plugins: [glue] });
  for (const name of ['node', 'browser', 'workerd', 'edge-light', 'slim', 'worker']) {
    const platform = name === 'node' ? 'node' : 'neutral';
    await build({ ...common, entryPoints: [`src/entry/${name}.mjs`], outfile: `dist/${name}.mjs`, format: 'esm', platform, plugins: [shared] });
  }
  // What goes with the engine, for clients that exist.
  await build({ ...common, entryPoints: ['src/upstash.ts'], outfile: 'dist/upstash.mjs', format: 'esm', platform: 'neutral', plugins: [shared] });
  await build({ ...common, entryPoints: ['src/upstash.ts'], outfile: 'dist/upstash.cjs', format: 'cjs', platform: 'neutral', plugins: [sharing('./node.cjs')] });
  // Its table of commands is a file of its own, for when it is wanted.
  const apart = {
    name: 'apart',
    setup: (b) => b.onResolve({ filter: /generated\/table\.js$/ }, () => ({ path: './repl-table.mjs', external: true })),
  };
  await build({ ...common, entryPoints: ['src/repl/index.ts'], outfile: 'dist/repl.mjs', format: 'esm', platform: 'neutral', plugins: [apart] });
  await build({ ...common, entryPoints: ['src/generated/table.ts'], outfile: 'dist/repl-table.mjs', format: 'esm', platform: 'neutral' });
  await build({ ...common, entryPoints: ['src/storages/index.ts'], outfile: 'dist/storages.mjs', format: 'esm', platform: 'neutral' });
  await build({ ...common, entryPoints: ['src/storages/index.ts'], outfile: 'dist/storages.cjs', format: 'cjs', platform: 'neutral' });
  for (const name of ['socket', 'ioredis', 'storage']) {
    await build({ ...common, entryPoints: [`src/node/${name}.ts`], outfile: `dist/${name}.mjs`, format: 'esm', platform: 'node', plugins: [shared] });
    await build({ ...common, entryPoints: [`src/node/${name}.ts`], outfile: `dist/${name}.cjs`, format: 'cjs', platform: 'node', plugins: [sharing('./node.cjs')] });
  }
  await build({ ...common, entryPoints: ['src/node/cli.ts'], outfile: 'dist/cli.mjs', format: 'esm', platform: 'node', banner: { js: '#!/usr/bin/env node' }, plugins: [sharing('./node.mjs')] });
  // Errors are those of the one copy, wherever they are thrown.
  const single = { name: 'single', setup: (b) => void b.onResolve({ filter: /\/error\.js$/ }, () => ({ path: './workerd.mjs', external: true })) };
  await build({ ...common, entryPoints: ['src/object/index.ts'], outfile: 'dist/durable-object.mjs', format: 'esm', platform: 'neutral', external: ['cloudflare:workers'], plugins: [single, sharing('./workerd.mjs')] });
  // Import forms that esbuild does not know go through as they are, and what only leads to another entry.
  for (const name of ['deno', 'bun', 'worker.node', 'worker.deno', 'worker.bun', 'worker.development']) {
    writeFileSync(`${here}dist/${name}.mjs`, readFileSync(`${here}src/entry/${name}.mjs`, 'utf8').replaceAll('../index.js', './core.mjs'));
  }
  await build({ ...common, entryPoints: ['src/entry/node.cts.mjs'], outfile: 'dist/node.cjs', format: 'cjs', platform: 'node', plugins: [glue], external: ['./bytes.cjs', './storage.cjs'] });
  await build({ ...common, entryPoints: ['src/entry/slim.mjs'], outfile: 'dist/slim.cjs', format: 'cjs', platform: 'neutral', plugins: [glue] });

  // For Node bundles that leave the file behind, and for bundlers that do not copy it.
  const inflated = `inflateRawSync(Buffer.from(${JSON.stringify(deflateRawSync(wasm, { level: 9 }).toString('base64'))}, 'base64'))`;
  writeFileSync(`${here}dist/bytes.mjs`, `import { inflateRawSync } from 'node:zlib';\nexport default () => ${inflated};\n`);
  writeFileSync(`${here}dist/bytes.cjs`, `const { inflateRawSync } = require('node:zlib');\nmodule.exports = () => ${inflated};\n`);
  const worker = await build({ ...common, entryPoints: ['src/entry/worker.inline.mjs'], format: 'iife', minify: true, write: false, plugins: [glue] });
  writeFileSync(`${here}dist/inline-worker.mjs`, `export default ${JSON.stringify(worker.outputFiles[0].text)};\n`);
  writeFileSync(
    `${here}dist/inline.mjs`,
    readFileSync(`${here}src/entry/inline.mjs`, 'utf8').replaceAll('../index.js', './core.mjs').replace("'ENGINE'", JSON.stringify(wasm.toString('base64'))),
  );
  // npm packs the licences that lie beside package.json.
  for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) copyFileSync(`${root}${name}`, `${here}${name}`);
  run(process.execPath, [`${here}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.json']);
  run(process.execPath, [`${here}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.node.json']);
  // The same types for require(): TypeScript takes those of an ES module for something that it cannot load there.
  for (const folder of ['', 'node/', 'generated/', 'repl/', 'storages/']) {
    for (const name of readdirSync(`${here}dist/${folder}`).filter((name) => name.endsWith('.d.ts'))) {
      const types = readFileSync(`${here}dist/${folder}${name}`, 'utf8').replace(/(from |import\()('|")(\.[^'"]*)\.js\2/g, '$1$2$3.cjs$2');
      writeFileSync(`${here}dist/${folder}${name.replace('.d.ts', '.d.cts')}`, types);
    }
  }

  const small = (bytes) => gzipSync(bytes, { level: 9 }).length;
  const gzip = small(wasm);
  const brotli = brotliCompressSync(wasm, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  const js = readFileSync(`${here}dist/core.mjs`);
  const minified = await build({ ...common, entryPoints: ['dist/core.mjs'], format: 'esm', bundle: false, minify: true, write: false });
  const download = gzip + small(minified.outputFiles[0].contents);
  const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  console.log(`engine.wasm  ${kib(wasm.length)}, gzip ${kib(gzip)}, brotli ${kib(brotli.length)}`);
  console.log(`core.mjs     ${kib(js.length)}, gzip ${kib(small(js))}`);
  console.log(`both, minified and with gzip: ${download} bytes`);
  if (PANIC_MESSAGES || process.env.REDSTART_WASM_OPT_LEVEL) return;
  if (gzip > GZIP_MAX) throw new Error(`engine.wasm takes ${gzip} bytes with gzip, and has ${GZIP_MAX}`);
  if (download > DOWNLOAD_MAX) throw new Error(`the default download takes ${download} bytes with gzip, and has ${DOWNLOAD_MAX}`);
}

if (!process.argv.includes('--js')) buildWasm();
await buildJs();
