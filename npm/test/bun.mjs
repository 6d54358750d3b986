import * as redstart from 'redstart';
import { main } from './print.mjs';
process.exit(await main(redstart, 'bun', () => new Worker(import.meta.resolve('redstart/worker'))));
