/** An engine behind a WebSocket: RESP in binary messages, a socket per connection. */

import type { Channel, Host } from './channel.js';
import { ConnectionLostError } from './error.js';
import type { WebUrl } from './globals.js';

/** A host for `Store.open({ host: webSocket('wss://example.com/redis') })`. */
export function webSocket(url: string | WebUrl, protocols?: string | string[]): Host {
  return { connect: () => new Promise((resolve, reject) => dial(url, protocols, resolve, reject)) };
}

function dial(url: string | WebUrl, protocols: string | string[] | undefined, resolve: (channel: Channel) => void, reject: (error: Error) => void): void {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = 'arraybuffer';
  let data: ((bytes: Uint8Array) => void) | undefined;
  let closed: ((reason?: Error) => void) | undefined;
  let early: Uint8Array[] = [];
  let reason: Error | undefined;
  socket.addEventListener('message', ({ data: message }) => {
    const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : new Uint8Array(message as ArrayBuffer);
    if (data) data(bytes);
    else early.push(bytes);
  });
  socket.addEventListener('open', () =>
    resolve({
      write: (bytes) => {
        // What closes says so by itself: a browser would log an error besides.
        if (socket.readyState === WebSocket.OPEN) socket.send(bytes as Uint8Array<ArrayBuffer>);
      },
      onData(listener) {
        data = listener;
        const waiting = early;
        early = [];
        for (const bytes of waiting) listener(bytes);
      },
      onClose(listener) {
        closed = listener;
        if (reason) listener(reason);
      },
      close: () => socket.close(),
    }),
  );
  socket.addEventListener('close', ({ code, reason: text }) => {
    reason = new ConnectionLostError(`the WebSocket was closed: ${text || code}`);
    reject(reason);
    closed?.(reason);
  });
}
