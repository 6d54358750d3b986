/** A static file server on a free port, and how to start the system's Chromium. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = { '.html': 'text/html', '.mjs': 'text/javascript', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.json': 'application/json' };

export const browserOptions = {
  executablePath: process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync),
  args: [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
};

/** Serves a folder, and others below it: `{ '/dist/': url }`. */
export async function serve(folder, others = {}) {
  const root = fileURLToPath(folder);
  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    try {
      if (name.includes('..')) throw new Error('outside');
      const other = Object.keys(others).find((prefix) => name.startsWith(prefix));
      const path = other ? fileURLToPath(others[other]) + name.slice(other.length) : root + name;
      const body = await readFile(name.endsWith('/') ? `${path}index.html` : path);
      response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? (name.endsWith('/') ? 'text/html' : 'application/octet-stream') });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, server, close: () => server.close() };
}

/** The installed package below `/dist/`, the cases and the page below `/test/`. */
export const servePackage = () => serve(new URL('..', import.meta.url), { '/dist/': new URL('.', import.meta.resolve('redstart')) });
