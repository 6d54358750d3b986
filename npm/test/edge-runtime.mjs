/** The cases in Vercel's edge runtime, which takes WebAssembly only as a compiled module. */
import { readFileSync } from 'node:fs';
import { EdgeVM } from '@edge-runtime/vm';
import { build } from 'esbuild';
import { dist, root } from './where.mjs';

const bundle = await build({
  stdin: {
    contents: `import * as redstart from 'redstart'; import { runAll } from './test/cases.mjs'; import { runStore } from './test/store-cases.mjs';
      globalThis.result = Promise.all([runAll(redstart), runStore(redstart, () => redstart.Store.open())]);`,
    resolveDir: root,
  },
  bundle: true,
  write: false,
  format: 'iife',
  conditions: ['edge-light'],
  plugins: [{
    name: 'wasm',
    setup(b) {
      b.onResolve({ filter: /\.wasm\?module$/ }, () => ({ path: 'module', namespace: 'wasm' }));
      b.onLoad({ filter: /.*/, namespace: 'wasm' }, () => ({ contents: 'export default globalThis.engineModule' }));
    },
  }],
});
const vm = new EdgeVM({
  extend: (context) => Object.assign(context, { engineModule: new WebAssembly.Module(readFileSync(new URL('engine.wasm', dist))) }),
});
const results = await vm.evaluate(`${bundle.outputFiles[0].text};globalThis.result`);
const failed = results.flatMap((result) => result.failed);
const passed = results.reduce((sum, result) => sum + result.passed, 0);
console.log(`edge-runtime: ${passed} passed, ${failed.length} failed`);
for (const line of failed) console.log(`  ${line}`);
process.exit(failed.length ? 1 : 0);
