// An engine in a thread of Node.
import { parentPort } from 'node:worker_threads';
import { serveScope } from './node.mjs';
if (parentPort) serveScope(parentPort);
export { serveScope };
