/** The engine behind all tabs: each tab has a port, each port carries wires, each wire is a connection. */

import { type Connection, Engine } from 'redstart';
import { CONFIG, type ToTab, type ToWorker } from './kit/wire.ts';

const opened = Engine.open({ config: CONFIG });

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]!;
  const connections = new Map<number, Connection>();
  const tell = (message: ToTab) => port.postMessage(message, 'bytes' in message ? [message.bytes.buffer as ArrayBuffer] : []);

  const take = (engine: Engine, message: ToWorker) => {
    if ('open' in message) {
      const id = message.open;
      const connection = engine.connect(`tab:${id}`);
      connections.set(id, connection);
      // The engine's bytes are a view of its memory: what is handed over is a copy.
      connection.onData((bytes) => tell({ id, bytes: bytes.slice() }));
      connection.onClose(() => {
        connections.delete(id);
        tell({ closed: id });
      });
    } else if ('bytes' in message) {
      const connection = connections.get(message.id);
      if (connection?.isOpen) connection.write(message.bytes);
    } else if ('close' in message) {
      connections.get(message.close)?.close();
    } else {
      void navigator.locks.request(message.tab, () => {
        for (const connection of [...connections.values()]) connection.close();
      });
    }
  };
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    opened.then(
      (engine) => take(engine, data),
      (error: Error) => tell({ failed: error.message }),
    );
  };
});
