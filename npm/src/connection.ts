/** A RESP connection: bytes in, bytes out, as over a socket, for clients that speak the protocol. */

/** What the engine does for its connections. @internal */
export interface Wire {
  receive(id: number, bytes: Uint8Array | string): void;
  disconnect(id: number): void;
}

export class Connection {
  private readonly wire: Wire;
  private readonly id: number;
  private open = true;
  private waiting: Uint8Array[] = [];
  private data: ((bytes: Uint8Array) => void) | undefined;
  private closed: (() => void) | undefined;

  /** @internal */
  constructor(wire: Wire, id: number) {
    this.wire = wire;
    this.id = id;
  }

  /** Whether it is open. */
  get isOpen(): boolean {
    return this.open;
  }

  /** Sends bytes (or text as UTF-8) to the engine. Replies reach `onData` before this returns, unless they block. */
  write(bytes: Uint8Array | string): void {
    if (!this.open) throw new Error('the connection is closed');
    this.wire.receive(this.id, bytes);
  }

  /** Where what the engine sends goes; what came before is handed over at once. */
  onData(listener: (bytes: Uint8Array) => void): this {
    this.data = listener;
    const waiting = this.waiting;
    this.waiting = [];
    for (const bytes of waiting) listener(bytes);
    return this;
  }

  /** Called once, when either side has closed the connection. */
  onClose(listener: () => void): this {
    this.closed = listener;
    if (!this.open) listener();
    return this;
  }

  /** Closes the connection. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.wire.disconnect(this.id);
    this.closed?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The same connection as a pair of web streams; `Duplex.fromWeb` makes a Node stream of it. */
  streams(): { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> } {
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.onData((bytes) => controller.enqueue(bytes));
        this.onClose(() => {
          try {
            controller.close();
          } catch {
            // The reader has cancelled.
          }
        });
      },
      cancel: () => this.close(),
    });
    const writable = new WritableStream<Uint8Array>({
      write: (bytes) => this.write(bytes),
      close: () => this.close(),
      abort: () => this.close(),
    });
    return { readable, writable };
  }

  /** @internal */
  deliver(bytes: Uint8Array): void {
    if (this.data) this.data(bytes);
    else this.waiting.push(bytes);
  }

  /** The engine has closed it. @internal */
  end(): void {
    if (!this.open) return;
    this.open = false;
    this.closed?.();
  }
}
