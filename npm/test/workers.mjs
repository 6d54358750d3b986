/** Workers as wrangler makes them: one module bundled for workerd from the installed package, the WebAssembly beside it. */
import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { dist, root } from './where.mjs';

/** The modules of a Worker: of a file, or of the text in `contents`. */
export async function modules({ file, contents, ...options }) {
  const { plugins = [], external = [], ...others } = options;
  const { outputFiles } = await build({
    ...(file ? { entryPoints: [file] } : { stdin: { contents, resolveDir: `${root}test`, sourcefile: 'worker.mjs' } }),
    bundle: true, write: false, format: 'esm', platform: 'neutral', target: 'es2022', logLevel: 'error',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*', '*.wasm', ...external],
    plugins, ...others,
  });
  return [
    { type: 'ESModule', path: 'worker.mjs', contents: outputFiles[0].text },
    { type: 'CompiledWasm', path: 'engine.wasm', contents: readFileSync(new URL('engine.wasm', dist)) },
  ];
}

/** A Worker that runs. */
export async function worker(what, options = {}) {
  return new Miniflare({ compatibilityDate: '2026-04-01', modules: await modules(what), ...options });
}
