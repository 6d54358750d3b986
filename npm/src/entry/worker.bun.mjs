// An engine in a worker of Bun.
import { serveScope } from './bun.mjs';
serveScope(globalThis);
export { serveScope };
