import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { attach } from './bridge.mjs';

const NODE = fileURLToPath(new URL('src/kit/node.ts', import.meta.url));
const isBull = (id) => /[\\/](bullmq|node-abort-controller|msgpackr)[\\/]/.test(id ?? '');

/** BullMQ is written for Node: its few calls of it go to a module of ours. */
const bull = {
  name: 'bullmq-in-a-page',
  enforce: 'pre',
  resolveId: (source, importer) => (source.startsWith('node:') && isBull(importer) ? NODE : undefined),
  transform(code, id) {
    const used = isBull(id) ? ['Buffer', 'process', 'setImmediate'].filter((name) => new RegExp(`\\b${name}\\b`).test(code)) : [];
    if (used.length === 0 || !id.includes('/bullmq/')) return undefined;
    return { code: `import { ${used.join(', ')} } from ${JSON.stringify(NODE)};\n${code}`, map: null };
  },
};

/** The same server that serves the page leads to a redstart-server, for `?at=server`. */
const bridge = {
  name: 'bridge',
  configureServer: ({ httpServer }) => attach(httpServer),
  configurePreviewServer: ({ httpServer }) => attach(httpServer),
};

// Relative addresses, so that the built page works from any folder of any static host.
export default defineConfig({
  base: './',
  plugins: [bull, bridge],
  server: { fs: { allow: ['..'] } },
  optimizeDeps: { exclude: ['bullmq'], include: ['bullmq > cron-parser', 'bullmq > semver', 'bullmq > node-abort-controller'] },
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
});
