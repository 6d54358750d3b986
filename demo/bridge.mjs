/**
 * From the page to a redstart-server: a page can open WebSockets, the server speaks RESP over TCP.
 *
 * Each WebSocket on `/redis` becomes a TCP connection to 127.0.0.1, port REDSTART_PORT (6379 unless set).
 * Only the page served beside it may come in: another site's page is refused by its Origin.
 */
import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

export function attach(httpServer, port = Number(process.env.REDSTART_PORT ?? 6379)) {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  httpServer.on('upgrade', (request, socket, head) => {
    if (!/\/redis(\?|$)/.test(request.url ?? '')) return;
    const { origin, host } = request.headers;
    const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host ?? '');
    if (!isLocal || (origin !== `http://${host}` && origin !== `https://${host}`)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (page) => {
      const server = connect(port, '127.0.0.1');
      server.setNoDelay(true);
      page.on('message', (bytes) => server.write(bytes));
      server.on('data', (bytes) => page.send(bytes));
      page.on('close', () => server.destroy());
      page.on('error', () => server.destroy());
      server.on('close', () => page.close());
      server.on('error', () => page.close());
    });
  });
}
