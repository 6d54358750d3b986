// As worker.mjs, for development servers that move code away from the file beside it.
import { serveScope } from './inline.mjs';
serveScope(globalThis);
export { serveScope };
