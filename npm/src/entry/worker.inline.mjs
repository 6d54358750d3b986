// An engine in a worker that is made of a text: the page sends the WebAssembly first.
import { serveScope, setLoader } from '../index.js';
const engine = new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data.engine), { once: true }));
setLoader(() => engine);
serveScope(globalThis);
