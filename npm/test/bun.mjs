import * as redstart from 'redstart';
import { main } from './print.mjs';
process.exit(await main(redstart, 'bun', () => new Worker(new URL('../dist/worker.bun.mjs', import.meta.url).href)));
