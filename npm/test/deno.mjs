import * as redstart from '../dist/deno.mjs';
import { main } from './print.mjs';
Deno.exit(await main(redstart, 'deno'));
