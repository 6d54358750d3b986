// Fetched at the first open().
import { setLoader } from '../index.js';
setLoader(() => fetch(new URL('./engine.wasm', import.meta.url)));
export * from '../index.js';
