// This form survives `bun build` and `bun build --compile`.
import path from './engine.wasm' with { type: 'file' };
import { readFileSync } from 'node:fs';
import { initSync } from '../index.js';
initSync(readFileSync(path.startsWith('.') ? new URL(path, import.meta.url) : path));
export * from '../index.js';
