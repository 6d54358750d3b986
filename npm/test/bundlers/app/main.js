// For bundlers that copy what `new URL(…, import.meta.url)` names: the plain import, and nothing to configure.
import * as redstart from 'redstart';
import { IndexedDbStorage } from 'redstart/storage';
import { run } from '../run.js';

const own = () => new Worker(new URL('./engine.js', import.meta.url), { type: 'module' });
run(redstart, IndexedDbStorage, { 'a worker': { worker: true } }, {
  'all tabs': { shared: true },
  'a worker of its own': { worker: own, storage: 'opfs:own' },
  'a storage by its name': { storage: 'indexeddb:here' },
  'a storage in a worker': { worker: true, storage: 'indexeddb:worker' },
});
