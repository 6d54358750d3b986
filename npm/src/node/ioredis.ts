/** ioredis without a network: `new Redis({ Connector: connector(engine) })`. */

import type { Engine } from '../index.js';
import { EngineSocket } from './socket.js';

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

    check(): boolean {
      return true;
    }

    connect(): Promise<EngineSocket> {
      this.stream = new EngineSocket(engine, 'ioredis:0');
      return Promise.resolve(this.stream);
    }

    disconnect(): void {
      this.stream?.end();
    }
  };
}
