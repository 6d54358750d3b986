import { defineConfig } from 'vite';

// Relative addresses, so that the built page works from any folder of any static host.
export default defineConfig({
  base: './',
  server: { fs: { allow: ['..'] } },
  build: { target: 'es2022', assetsInlineLimit: 0 },
});
