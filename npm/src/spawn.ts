/** Where a store's engine lives when it is not here: in a worker of its own, or behind all tabs of an origin. */

import type { Channel, Host } from './channel.js';
import type { EngineOptions } from './engine.js';
import { ConnectionLostError } from './error.js';
import { Leader } from './leader.js';
import { PortHost, type PortLike, VERSION } from './port.js';

/** A worker, or what makes one. */
export type Spawn = WorkerLike | (() => WorkerLike);
/** A `Worker`, a `SharedWorker`, a thread of Node, or a port that leads to one. */
export type WorkerLike = PortLike | { readonly port: PortLike };

/** How this runtime makes workers. The entries know, since bundlers must see the file's address there. */
export interface Spawner {
  worker?(name: string): WorkerLike | Promise<WorkerLike>;
  shared?(name: string): WorkerLike;
}

let spawner: Spawner = {};

/** @internal */
export function setSpawner(own: Spawner): void {
  spawner = own;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const portOf = (worker: WorkerLike): PortLike => ('port' in worker ? worker.port : worker);

/** An engine in a worker of its own, which is gone when the worker is. */
export function workerHost(worker: true | Spawn, settings: EngineOptions): Host & { close(): void } {
  checkSettings(settings);
  if (worker === true && !spawner.worker) throw new TypeError('worker: this runtime has none that starts by itself: give one that imports redstart/worker');
  const made = worker === true ? spawner.worker!(nameOf('worker')) : typeof worker === 'function' ? worker() : worker;
  const open = async () => {
    const port: PortLike | undefined = isObject(await made) ? portOf(await made) : undefined;
    if (!isObject(port) || !('postMessage' in port)) throw new TypeError('worker: expected true, a worker, or a function that makes one');
    return PortHost.open(port, settings, true);
  };
  const opened = open();
  return {
    connect: async (address) => (await opened).connect(address),
    close: () => void opened.then((host) => host.close(), () => undefined),
  };
}

/** One engine behind all tabs: in a SharedWorker, or in one of the tabs where there are none. */
export function sharedHost(name: string, settings: EngineOptions): Host & { close(): void } {
  if (typeof name !== 'string') throw new TypeError('shared: expected true or a name');
  checkSettings(settings);
  const full = nameOf(name);
  if (typeof SharedWorker === 'function' && spawner.shared) return new SharedHost(full, settings);
  if (typeof BroadcastChannel === 'function' && typeof navigator !== 'undefined' && navigator.locks) return new Leader(full, settings);
  throw new TypeError('shared: this runtime has neither SharedWorker nor Web Locks');
}

/** Two versions of the package do not meet: what they say to each other may differ. */
const nameOf = (name: string) => `redstart ${VERSION} ${name}`;

function checkSettings(settings: EngineOptions): void {
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'function' || name === 'clock') throw new TypeError(`${name}: a function cannot go to another thread`);
    if (name === 'storage' && value !== undefined && typeof value !== 'string') {
      throw new TypeError("storage: an object cannot go to another thread: expected its name, such as 'indexeddb:app'");
    }
  }
}

const TRIES = 6;
const PAUSE_MS = 10;

/** Makes the connection to the SharedWorker anew if it was lost. */
class SharedHost implements Host {
  private readonly name: string;
  private readonly settings: EngineOptions;
  private current: Promise<PortHost> | undefined;
  private closed = false;

  constructor(name: string, settings: EngineOptions) {
    this.name = name;
    this.settings = settings;
  }

  async connect(address?: string): Promise<Channel> {
    for (let tries = 0; ; tries++) {
      if (this.closed) throw new ConnectionLostError('the store was closed', { isFinal: true });
      try {
        this.current ??= this.dial();
        return (await this.current).connect(address);
      } catch (error) {
        // The browser may lead to a worker that is about to be gone. Nothing was sent to it yet.
        if (!(error instanceof ConnectionLostError) || tries === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS << tries));
      }
    }
  }

  close(): void {
    this.closed = true;
    this.current?.then((host) => host.close(), () => undefined);
  }

  private dial(): Promise<PortHost> {
    const worker = spawner.shared!(this.name);
    const forget = () => {
      if (this.current === dialled) this.current = undefined;
    };
    const dialled = new Promise<PortHost>((resolve, reject) => {
      // A script that cannot be loaded is told to the worker's object alone.
      (worker as SharedWorker).addEventListener?.('error', (event) => {
        const { message } = event as ErrorEvent;
        reject(new Error(`the shared worker could not start${message ? `: ${message}` : ''}`));
      });
      PortHost.open(portOf(worker), this.settings, false).then((host) => {
        host.onLost = forget;
        resolve(host);
      }, reject);
    });
    dialled.catch(forget);
    return dialled;
  }
}
