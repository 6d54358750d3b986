/** The cases of test/storage-cases.mjs on files, in Deno and Bun: `files.mjs FOLDER` makes folders in that one. */
import process from 'node:process';
import * as redstart from 'redstart';
import { FileStorage } from 'redstart/storage/node';
import { runStorageCases } from './storage-cases.mjs';

const runtime = typeof Deno === 'undefined' ? 'bun' : 'deno';
const { passed, failed } = await runStorageCases(redstart, (name, options) => new FileStorage(`${process.argv[2]}/${name}`, options));
console.log(`${runtime}, files: ${passed} passed, ${failed.length} failed`);
for (const line of failed) console.log(`  ${line}`);
process.exit(failed.length > 0 ? 1 : 0);
