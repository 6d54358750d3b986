/** The folders of examples/ do what they say: in workerd, Deno, Bun, Vercel's edge runtime, and under test runners. */
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EdgeVM } from '@edge-runtime/vm';
import { Redis } from '@upstash/redis';
import { build } from 'esbuild';
import IORedis from 'ioredis';
import { equal } from './cases.mjs';
import { bin, dist, root, source } from './where.mjs';
import { worker as runWorker } from './workers.mjs';

async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A copy of an example with this package, and what else it uses, in its node_modules. */
function place(name, ...packages) {
  const folder = mkdtempSync(join(tmpdir(), `redstart-${name}-`));
  cpSync(`${root}examples/${name}`, folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(fileURLToPath(new URL('..', dist)), join(folder, 'node_modules/redstart'));
  for (const each of packages) symlinkSync(`${source}node_modules/${each}`, join(folder, 'node_modules', each));
  return folder;
}

/** An example that is a server, run by `program`. */
async function serve(name, program, args, env, use) {
  const folder = place(name);
  // The import map asks the registry.
  rmSync(join(folder, 'deno.json'), { force: true });
  cpSync(`${root}examples/bun/package.json`, join(folder, 'package.json'));
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  try {
    for (let i = 0; ; i++) {
      try {
        await fetch(`http://127.0.0.1:${env.PORT}/`);
        break;
      } catch (error) {
        if (i > 200 || child.exitCode !== null) throw new Error(`${name} does not answer: ${said}`, { cause: error });
        await new Promise((next) => setTimeout(next, 50));
      }
    }
    await use();
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function upstash(url) {
  const redis = new Redis({ url, token: 'secret', enableTelemetry: false });
  equal(await redis.set('user', { name: 'Ada' }), 'OK');
  equal(await redis.get('user'), { name: 'Ada' });
  equal(await redis.pipeline().incr('n').incr('n').exec(), [1, 2]);
  equal((await fetch(`${url}/get/user`, { headers: { authorization: 'Bearer wrong' } })).status, 401);
}

/** An example that is a test, run as its users do. */
async function passes(name, ...packages) {
  const folder = place(name, '.bin', 'ioredis', ...packages);
  try {
    await promisify(execFile)('npm', ['test'], { cwd: folder, env: { ...process.env, CI: '1', NODE_TEST_CONTEXT: undefined } });
  } catch ({ message, stdout, stderr }) {
    throw new Error(`${message}\n${stdout}${stderr}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const examples = {
  'node-test': () => passes('node-test'),
  vitest: () => passes('vitest', 'vitest'),
  jest: () => passes('jest'),

  async worker() {
    const config = JSON.parse(readFileSync(`${root}examples/worker/wrangler.jsonc`, 'utf8').replace(/^\s*\/\/.*$/gm, ''));
    equal(config.migrations[0].new_sqlite_classes, [config.durable_objects.bindings[0].class_name]);
    const { name, class_name: className } = config.durable_objects.bindings[0];
    const miniflare = await runWorker({ file: `${root}examples/worker/${config.main}` }, {
      compatibilityDate: config.compatibility_date,
      bindings: { REDIS_TOKEN: 'secret' },
      durableObjects: { [name]: { className, useSQLite: true } },
    });
    try {
      const url = String(await miniflare.ready).replace(/\/$/, '');
      await upstash(`${url}/db/main`);
      const get = async (path) => (await fetch(url + path)).json();
      equal([await get('/hit/home'), await get('/hit/home')], [{ hits: 1, visitors: 1 }, { hits: 2, visitors: 1 }]);
      equal(await get('/cart/ada/pear'), { item: 'pear', count: 1, all: { pear: '1' } });
    } finally {
      await miniflare.dispose();
    }
  },

  async deno() {
    const port = await freePort();
    const args = ['run', '--allow-net', '--allow-env', '--no-prompt', '--quiet', '--node-modules-dir=manual', 'main.ts'];
    await serve('deno', bin('deno'), args, { PORT: String(port), REDIS_TOKEN: 'secret' }, () => upstash(`http://127.0.0.1:${port}`));
  },

  async bun() {
    const [port, resp] = [await freePort(), await freePort()];
    await serve('bun', bin('bun'), ['index.ts'], { PORT: String(port), REDIS_PORT: String(resp), REDIS_TOKEN: 'secret' }, async () => {
      await upstash(`http://127.0.0.1:${port}`);
      const client = new IORedis(resp);
      equal(await client.get('greeting'), 'hello');
      client.disconnect();
    });
  },

  async vercel() {
    const compiled = {
      name: 'compiled',
      setup(b) {
        b.onResolve({ filter: /\.wasm\?module$/ }, () => ({ path: 'module', namespace: 'wasm' }));
        b.onLoad({ filter: /.*/, namespace: 'wasm' }, () => ({ contents: 'export default globalThis.engineModule' }));
      },
    };
    const { outputFiles } = await build({
      entryPoints: [`${root}examples/vercel/api/[...path].ts`], bundle: true, write: false, format: 'esm', platform: 'neutral',
      conditions: ['edge-light'], logLevel: 'error', plugins: [compiled],
    });
    const [{ text }] = outputFiles;
    const module = new WebAssembly.Module(readFileSync(new URL('engine.wasm', dist)));
    const vm = new EdgeVM({ extend: (context) => Object.assign(context, { engineModule: module, process: { env: { REDIS_TOKEN: 'secret' } } }) });
    const script = text.replace(/export \{([^}]*)\}/, (_, names) => `globalThis.exported = ${/(\w[\w$]*) as default/.exec(names)[1]}`);
    const got = await vm.evaluate(`${script};
      (async () => {
        const ask = (path, token) => exported(new Request('https://host' + path, { headers: { authorization: 'Bearer ' + token } }));
        const statuses = [await (await ask('/api/set/k/v', 'secret')).text(), await (await ask('/api/get/k', 'secret')).text(), (await ask('/api/get/k', 'wrong')).status];
        let last;
        for (let i = 0; i < 100; i++) last = await ask('/api/get/k', 'secret');
        return [...statuses, last.status];
      })()`);
    equal([...got], ['{"result":"OK"}', '{"result":"v"}', 401, 429]);
  },
};

let failed = 0;
for (const [name, run] of Object.entries(examples)) {
  if (process.argv[2] && process.argv[2] !== name) continue;
  try {
    await run();
    console.log(`example ${name}: passed`);
  } catch (error) {
    failed++;
    console.log(`example ${name}: ${error.stack}`);
  }
}
process.exit(failed ? 1 : 0);
