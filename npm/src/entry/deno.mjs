// A source-phase import needs no permission to read files.
import source module from './engine.wasm';
import { initSync } from '../index.js';
initSync(module);
export * from '../index.js';
