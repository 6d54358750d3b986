/** The cases of test/storage-cases.mjs on files, sealed and not, in Deno and Bun: `files.mjs FOLDER` makes folders in that one. */
import process from 'node:process';
import * as redstart from 'redstart';
import { sealed } from 'redstart/storage';
import { FileStorage } from 'redstart/storage/node';
import { runStorageCases } from './storage-cases.mjs';

const runtime = typeof Deno === 'undefined' ? 'bun' : 'deno';
const file = (name, options) => new FileStorage(`${process.argv[2]}/${name}`, options);
let failures = 0;
for (const [kind, make] of Object.entries({ files: file, 'sealed files': (...args) => sealed(file(...args), new Uint8Array(32)) })) {
  const { passed, failed } = await runStorageCases(redstart, make);
  console.log(`${runtime}, ${kind}: ${passed} passed, ${failed.length} failed`);
  for (const line of failed) console.log(`  ${line}`);
  failures += failed.length;
}
process.exit(failures > 0 ? 1 : 0);
