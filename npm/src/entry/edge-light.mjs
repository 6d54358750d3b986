// Vercel's edge functions import WebAssembly with this suffix.
import module from './engine.wasm?module';
import { initSync } from '../index.js';
initSync(module);
export * from '../index.js';
