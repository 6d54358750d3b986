/** How bytes get to an engine and back: what a store needs, whether the engine is here, in a worker or behind a socket. */

/** A RESP connection: a `Connection` of an engine in this process, or one that goes elsewhere. */
export interface Channel {
  /** Sends bytes to the engine. They belong to the channel from then on. */
  write(bytes: Uint8Array): void;
  /** Where what the engine sends goes. */
  onData(listener: (bytes: Uint8Array) => void): unknown;
  /** Called once when the connection is gone, at once if it is gone already; with the reason, if it is known. */
  onClose(listener: (reason?: Error) => void): unknown;
  close(): void;
}

/** Where connections lead to. An `Engine` is one. */
export interface Host {
  /** A new connection; `address` is what CLIENT LIST shows, where the host may say so. */
  connect(address?: string): Channel | Promise<Channel>;
}
