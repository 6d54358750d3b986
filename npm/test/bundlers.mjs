/**
 * What users' bundlers make of the package, each as it is without a configuration, loaded in one Chromium:
 * `node test/bundlers.mjs [name...]`.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build as esbuild } from 'esbuild';
import { chromium } from 'playwright-core';
import { rollup } from 'rollup';
import * as vite from 'vite';
import webpack from 'webpack';
import { browserOptions, serve } from './browser.mjs';
import { root } from './where.mjs';

const fixture = (name) => join(root, 'test/bundlers', name);
const out = mkdtempSync(join(root, 'bundled-'));
/** Serves what lies in a folder beside the fixture's page. */
async function built(name, folder) {
  cpSync(join(fixture(name), 'index.html'), join(folder, 'index.html'));
  return serve(pathToFileURL(`${folder}/`));
}
const versionOf = (name) => createRequire(import.meta.url)(`${name}/package.json`).version;

/** Each makes a page and says where it is. */
const BUNDLERS = {
  [`vite ${vite.version}, dev`]: async () => {
    const server = await vite.createServer({ root: fixture('app'), configFile: false, logLevel: 'warn', cacheDir: join(out, 'vite-cache'), server: { host: '127.0.0.1', port: 0 } });
    await server.listen();
    return { url: server.resolvedUrls.local[0], close: () => server.close() };
  },
  [`vite ${vite.version}, build`]: async () => {
    const options = { root: fixture('app'), configFile: false, logLevel: 'warn', build: { outDir: join(out, 'vite'), emptyOutDir: true, chunkSizeWarningLimit: 5000 } };
    await vite.build(options);
    const server = await vite.preview({ ...options, preview: { host: '127.0.0.1', port: 0 } });
    return { url: server.resolvedUrls.local[0], close: () => server.close() };
  },
  [`webpack ${versionOf('webpack')}`]: async () => {
    const path = join(out, 'webpack');
    await new Promise((resolve, reject) =>
      webpack({ mode: 'production', entry: join(fixture('app'), 'main.js'), output: { path }, performance: { hints: false } }, (error, stats) => {
        if (error ?? stats.hasErrors()) reject(error ?? new Error(stats.toString()));
        else resolve();
      }));
    return built('app', path);
  },
  [`esbuild ${versionOf('esbuild')}, inline`]: async () => {
    const outdir = join(out, 'esbuild');
    await esbuild({ entryPoints: [join(fixture('inline'), 'main.js')], bundle: true, format: 'esm', splitting: true, outdir, logLevel: 'error' });
    return built('inline', outdir);
  },
  [`rollup ${versionOf('rollup')}, inline`]: async () => {
    const dir = join(out, 'rollup');
    const bundle = await rollup({ input: join(fixture('inline'), 'main.js'), plugins: [nodeResolve({ browser: true })] });
    await bundle.write({ dir, format: 'es' });
    return built('inline', dir);
  },
};

/** Vite's development server has found another import, and loads the page anew. */
const OUTDATED = 504;

const browser = await chromium.launch(browserOptions);
const chosen = process.argv.slice(2);
let failures = 0;
try {
  for (const [name, make] of Object.entries(BUNDLERS)) {
    if (chosen.length > 0 && !chosen.some((part) => name.includes(part))) continue;
    const start = performance.now();
    const wrong = [];
    let served;
    try {
      served = await make();
      const page = await browser.newPage();
      page.on('pageerror', (error) => wrong.push(`in the page: ${error.message}`));
      page.on('response', (response) => response.status() >= 400 && response.status() !== OUTDATED && wrong.push(`${response.status()}: ${response.url()}`));
      await page.goto(served.url);
      const handle = await page.waitForFunction(() => globalThis.results, undefined, { timeout: 90_000 });
      const results = Object.entries(await handle.jsonValue());
      for (const [what, { failed }] of results) wrong.push(...failed.map((line) => `${what}: ${line}`));
      const passed = results.reduce((sum, [, result]) => sum + result.passed, 0);
      console.log(`${name}: ${passed} passed, ${wrong.length} failed, in ${((performance.now() - start) / 1000).toFixed(1)} s`);
      await page.close();
    } catch (error) {
      wrong.push(error.stack);
      console.log(`${name}: failed`);
    }
    for (const line of wrong) console.log(`  ${line}`);
    failures += wrong.length;
    await served?.close();
  }
} finally {
  await browser.close();
  rmSync(out, { recursive: true, force: true });
}
process.exit(failures ? 1 : 0);
