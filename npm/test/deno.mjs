import * as redstart from '../dist/deno.mjs';
import { main } from './print.mjs';
// The package itself needs no permission; a worker's file does.
const { state } = await Deno.permissions.query({ name: 'read', path: 'dist' });
const worker = () => new Worker(new URL('../dist/worker.deno.mjs', import.meta.url).href, { type: 'module' });
Deno.exit(await main(redstart, 'deno', state === 'granted' ? worker : undefined));
