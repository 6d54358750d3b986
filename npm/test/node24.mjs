/** The cases in a newer Node than the tests' own. There import and require() give one module, as `module-sync` says. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as redstart from 'redstart';
import { main } from './print.mjs';

assert.equal(createRequire(import.meta.url)('redstart').Engine, redstart.Engine);
process.exit(await main(redstart, `node ${process.versions.node}`, true));
