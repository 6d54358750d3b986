// For bundlers that copy nothing: the engine inside the code.
import * as redstart from 'redstart/inline';
import { IndexedDbStorage } from 'redstart/storage';
import { run } from '../run.js';

run(redstart, IndexedDbStorage, { 'a worker': { worker: true } }, {
  'all tabs': { shared: true },
  'a storage by its name': { storage: 'indexeddb:here' },
  'a storage in a worker': { worker: true, storage: 'opfs:worker' },
});
