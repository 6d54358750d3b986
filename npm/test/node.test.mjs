import { test } from 'node:test';
import * as redstart from 'redstart';
import { cases } from './cases.mjs';

for (const [name, run] of Object.entries(cases)) test(name, () => run(redstart));
