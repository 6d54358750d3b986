/** A Redis server over TCP or a socket file, as a host for a store. */

import { connect, type NetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { type Channel, ConnectionLostError, type Host } from '../index.js';

/** Where the server is; with `tls` the connection is encrypted. */
export type DialOptions = NetConnectOpts & { tls?: boolean | ConnectionOptions };

/** A host for `Store.open({ host: dial({ port: 6379 }) })`: redstart-server, Redis, Valkey. */
export function dial({ tls, ...where }: DialOptions): Host {
  return {
    connect: () =>
      new Promise<Channel>((resolve, reject) => {
        const socket = tls ? connectTls({ ...(where as ConnectionOptions), ...(tls === true ? {} : tls) }) : connect(where as NetConnectOpts);
        let closed: ((reason?: Error) => void) | undefined;
        let reason: Error | undefined;
        let cause: Error | undefined;
        socket.on('error', (error) => (cause = error));
        socket.on('close', () => {
          reason = new ConnectionLostError(cause ? `the connection was lost: ${cause.message}` : 'the server has closed the connection', { cause });
          reject(reason);
          closed?.(reason);
        });
        socket.once(tls ? 'secureConnect' : 'connect', () => {
          if ('setNoDelay' in socket) socket.setNoDelay(true);
          resolve({
            write: (bytes) => void socket.write(bytes),
            onData: (listener) => void socket.on('data', listener),
            onClose: (listener) => {
              closed = listener;
              if (reason) listener(reason);
            },
            close: () => void socket.destroySoon(),
          });
        });
      }),
  };
}
