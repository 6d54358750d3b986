// An engine in a worker or SharedWorker. It does not import browser.mjs, which names this file: bundlers would go in circles.
import { serveScope, setLoader } from '../index.js';
setLoader(() => fetch(new URL('./engine.wasm', import.meta.url)));
serveScope(globalThis);
export { serveScope };
