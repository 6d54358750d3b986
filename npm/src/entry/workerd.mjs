// Workers import WebAssembly as a compiled module.
import module from './engine.wasm';
import { initSync } from '../index.js';
initSync(module);
export * from '../index.js';
