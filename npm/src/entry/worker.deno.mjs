// An engine in a worker of Deno.
import { serveScope } from './deno.mjs';
serveScope(globalThis);
export { serveScope };
