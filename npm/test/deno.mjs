import * as redstart from 'redstart';
import { main } from './print.mjs';
// The package itself needs no permission; a worker's file does.
const { state } = await Deno.permissions.query({ name: 'read', path: '.' });
const worker = () => new Worker(import.meta.resolve('redstart/worker'), { type: 'module' });
Deno.exit(await main(redstart, 'deno', state === 'granted' ? worker : undefined));
