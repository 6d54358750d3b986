/** ioredis without a network: `new Redis({ Connector: connector(engine) })`. */

import type { Engine } from '../index.js';
import { EngineSocket } from './socket.js';

/** What a connector is given: all that the client was made with. */
interface Settings {
  retryStrategy?: ((times: number) => unknown) | null;
}

/** What ioredis asks of a connector. */
export interface ConnectorLike {
  check(): boolean;
  connect(): Promise<EngineSocket>;
  disconnect(): void;
}

/**
 * A class of connectors for the option `Connector` of ioredis 5 and 6: every client made with it, and each
 * that it duplicates, talks to `engine`. BullMQ, Bull and others take the same option in `connection`.
 */
export function connector(engine: Engine): new (...options: never[]) => ConnectorLike {
  return class {
    private stream: EngineSocket | undefined;

    constructor(settings?: Settings) {
      const again = settings?.retryStrategy;
      // To a freed engine there is no way back: what waits is told so at once, and not kept for the next connection.
      if (settings && typeof again === 'function') settings.retryStrategy = (times) => (engine.isFreed ? null : again(times));
    }

    check(): boolean {
      return true;
    }

    // What a freed engine throws has to be a rejection.
    async connect(): Promise<EngineSocket> {
      this.stream = new EngineSocket(engine, 'ioredis:0');
      return this.stream;
    }

    disconnect(): void {
      this.stream?.end();
    }
  };
}
