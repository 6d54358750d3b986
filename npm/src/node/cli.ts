/** `npx redstart`: a server from the package, with the settings of redis.conf as options. */

import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { Engine } from '../index.js';
import { listen } from './socket.js';

const HELP = `npx redstart [--port 6379] [--bind 127.0.0.1] [--unixsocket PATH] [--NAME VALUE]...

Serves Redis's protocol from WebAssembly, in memory alone.
Any other setting of redis.conf may follow: --maxmemory 100mb --maxmemory-policy allkeys-lru`;

async function main(words: readonly string[]): Promise<void> {
  if (words.includes('--help') || words.includes('-h')) return console.log(HELP);
  const config: { [name: string]: string } = {};
  let name: string | undefined;
  for (const word of words) {
    if (word.startsWith('--')) {
      name = word.slice(2).toLowerCase();
      config[name] = '';
    } else if (name !== undefined) {
      config[name] = config[name] === '' ? word : `${config[name]} ${word}`;
    } else {
      throw new Error(`expected --NAME VALUE, got ${word}`);
    }
  }
  const { port = '6379', bind = '127.0.0.1', unixsocket, ...settings } = config;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw new Error(`--port: expected a number up to 65535, got ${port}`);
  const engine = await Engine.open({ config: settings, log: (line) => console.log(line) });
  // Settings are read at the first call: a wrong one ends the program here.
  engine.ping();
  const places = unixsocket ? [{ path: unixsocket }] : bind.split(' ').map((host) => ({ host, port: Number(port) }));
  if (unixsocket) await clear(unixsocket);
  // Ends the program: nothing else keeps it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => engine.free());
  for (const place of places) {
    const server = await listen(engine, place);
    const address = server.address();
    console.log(`Ready to accept connections at ${typeof address === 'string' ? address : `${address?.address}:${address?.port}`}`);
  }
}

/** Takes away the socket of a server that is no more. */
async function clear(path: string): Promise<void> {
  if (!(await lstat(path).catch(() => undefined))?.isSocket()) return;
  const isAnswered = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  if (!isAnswered) await unlink(path);
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(`redstart: ${error.message}`);
  process.exit(1);
});
