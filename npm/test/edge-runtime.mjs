/** The cases in Vercel's edge runtime, which takes WebAssembly only as a compiled module. */
import { readFileSync } from 'node:fs';
import { EdgeVM } from '@edge-runtime/vm';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url);
const bundle = await build({
  stdin: {
    contents: `import * as redstart from './dist/edge-light.mjs'; import { runAll } from './test/cases.mjs'; globalThis.result = runAll(redstart);`,
    resolveDir: root.pathname,
  },
  bundle: true,
  write: false,
  format: 'iife',
  plugins: [{
    name: 'wasm',
    setup(b) {
      b.onResolve({ filter: /\.wasm\?module$/ }, () => ({ path: 'module', namespace: 'wasm' }));
      b.onLoad({ filter: /.*/, namespace: 'wasm' }, () => ({ contents: 'export default globalThis.engineModule' }));
    },
  }],
});
const vm = new EdgeVM({
  extend: (context) => Object.assign(context, { engineModule: new WebAssembly.Module(readFileSync(new URL('dist/engine.wasm', root))) }),
});
const { passed, failed } = await vm.evaluate(`${bundle.outputFiles[0].text};globalThis.result`);
console.log(`edge-runtime: ${passed} passed, ${failed.length} failed`);
for (const line of failed) console.log(`  ${line}`);
process.exit(failed.length ? 1 : 0);
