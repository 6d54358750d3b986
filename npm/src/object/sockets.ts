/**
 * WebSockets that hibernate: RESP in binary frames, or what is published as JSON.
 *
 * Each is a connection of the engine. The runtime keeps the socket while the object sleeps, but not the
 * engine: what a connection needs to be made again (protocol, name, subscriptions) goes with the socket as
 * its attachment. What cannot be made again (a transaction, a wait, WATCH, MONITOR, tracking) keeps the object
 * awake; a socket that was in the midst of it when the object was restarted all the same is closed, so that
 * its client connects anew.
 */

import type { Connection, Engine, Reply } from '../index.js';
import { Head, Writer } from '../request.js';
import { Reader } from '../reply.js';
import { Buffer, latin1, read, unlatin1 } from './wire.js';

/** The most bytes that an attachment may have; more go into a row of the database. */
const ATTACHMENT_MAX = 1900;

/** Where commands begin that watch keys, or that end this. An argument of that text is none. */
const WATCHING = /(?:\*\d+\r\n\$5\r\n|(?<=^|\n)(?<!\$\d\r\n))(watch)\s|(?:\*1\r\n\$\d\r\n|(?<=^|\n)(?<!\$\d\r\n))(?:exec|discard|unwatch|reset)\r?\n/gi;
/** So much of a request that is not whole is kept to be looked at with what follows. */
const TAIL = 64;

/** Client's flags that say that it is in the midst of something: blocked, in MULTI, in MONITOR, tracking. */
const BUSY = /[bxOt]/;

type Kind = 'resp' | 'json';
type Way = 'subscribe' | 'psubscribe' | 'ssubscribe';
const WAYS: readonly Way[] = ['subscribe', 'psubscribe', 'ssubscribe'];

/** What a connection is made again from. Names have a character for each byte. */
interface State {
  kind: Kind;
  resp: number;
  name: string;
  busy: boolean;
  names: { [W in Way]: string[] };
}

interface Link {
  socket: WebSocket;
  connection: Connection;
  id: number;
  state: State;
  /** The attachment as it was written last, and where it is if not with the socket. */
  written: string;
  row: string | undefined;
  /** What the engine has sent in this turn. */
  out: Uint8Array[];
  /** Whether the state may be another than before. */
  touched: boolean;
  watches: boolean;
  /** Whether its subscriptions may be others than before, be there as many of them as before. */
  listens: boolean;
  /** The end of a request that is not whole. */
  tail: string;
  closed: boolean;
}

const encoder = new TextEncoder();

export class Sockets {
  /** Called when there is something to send. */
  onOutput: () => void = () => {};
  private readonly ctx: DurableObjectState;
  private readonly engine: Engine;
  private readonly links = new Map<WebSocket, Link>();
  private readonly touched = new Set<Link>();

  constructor(ctx: DurableObjectState, engine: Engine) {
    this.ctx = ctx;
    this.engine = engine;
    this.ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS redstart_sockets (id TEXT PRIMARY KEY, state TEXT NOT NULL)');
  }

  /** Whether one of them has to be kept from being made again. */
  get busy(): boolean {
    for (const link of this.links.values()) if (link.state.busy) return true;
    return false;
  }

  get size(): number {
    return this.links.size;
  }

  /** Makes the connections of the sockets that have outlived the last engine. */
  restore(): void {
    const rows = new Set<string>();
    for (const socket of this.ctx.getWebSockets()) {
      let state = socket.deserializeAttachment() as State | { row: string } | null;
      let row: string | undefined;
      if (state && 'row' in state) {
        row = state.row;
        rows.add(row);
        const [found] = this.ctx.storage.sql.exec<{ state: string }>('SELECT state FROM redstart_sockets WHERE id = ?', row);
        state = found ? (JSON.parse(found.state) as State) : null;
      }
      if (!state || state.busy) socket.close(1012, 'the object was restarted');
      else this.link(socket, state, row);
    }
    const kept = [...this.ctx.storage.sql.exec<{ id: string }>('SELECT id FROM redstart_sockets')];
    for (const { id } of kept) if (!rows.has(id)) this.ctx.storage.sql.exec('DELETE FROM redstart_sockets WHERE id = ?', id);
  }

  /** A new one, subscribed to `names`. */
  open(kind: Kind, way: Way | undefined, names: readonly string[]): Response {
    const pair = new WebSocketPair();
    const socket = pair[1];
    this.ctx.acceptWebSocket(socket);
    const state: State = { kind, resp: kind === 'json' ? 3 : 2, name: '', busy: false, names: { subscribe: [], psubscribe: [], ssubscribe: [] } };
    if (way) state.names[way] = names.map((name) => latin1(encoder.encode(name)));
    const link = this.link(socket, state, undefined);
    this.keep(link);
    if (way) for (const name of names) socket.send(JSON.stringify({ subscribed: name }));
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  /** What its client sends. */
  receive(socket: WebSocket, message: string | ArrayBuffer): void {
    const link = this.links.get(socket);
    if (!link || link.closed || link.state.kind !== 'resp') return;
    const bytes = typeof message === 'string' ? encoder.encode(message) : new Uint8Array(message);
    const text = link.tail + latin1(bytes);
    // The engine does not tell what a connection watches.
    for (const [, watch] of text.matchAll(WATCHING)) link.watches = watch !== undefined;
    if (/scribe|reset/i.test(text)) link.listens = true;
    // What is no beginning of a line shall not be taken for one.
    link.tail = text.length > TAIL ? `\0${text.slice(-TAIL)}` : text;
    this.touch(link);
    link.connection.write(bytes);
  }

  /** Its client has gone. */
  close(socket: WebSocket): void {
    const link = this.links.get(socket);
    if (!link) return;
    this.links.delete(socket);
    this.touched.delete(link);
    link.closed = true;
    link.connection.close();
    if (link.row) this.ctx.storage.sql.exec('DELETE FROM redstart_sockets WHERE id = ?', link.row);
  }

  /** Takes what is to be sent; the function that comes sends it. */
  gather(): (() => void) | undefined {
    if (this.touched.size === 0) return undefined;
    const sends: (() => void)[] = [];
    for (const link of this.touched) {
      const { socket, out, closed } = link;
      if (!closed && link.state.kind === 'resp') this.look(link);
      link.out = [];
      link.touched = false;
      sends.push(() => {
        for (const bytes of out) send(socket, link.state.kind, bytes);
        if (closed) {
          this.close(socket);
          socket.close(1000);
        }
      });
    }
    this.touched.clear();
    return () => {
      for (const send of sends) send();
    };
  }

  private link(socket: WebSocket, state: State, row: string | undefined): Link {
    const connection = this.engine.connect('websocket:0');
    const link: Link = { socket, connection, id: 0, state, written: JSON.stringify(state), row, out: [], touched: false, watches: false, listens: false, tail: '', closed: false };
    this.links.set(socket, link);
    connection.onData((bytes) => (link.id = Number(latin1(bytes.subarray(1, bytes.indexOf(13))))));
    connection.write('CLIENT ID\r\n');
    connection.onData(() => {});
    if (state.resp === 3) connection.write('HELLO 3\r\n');
    if (state.name) connection.write(command('client|setname', [state.name]));
    for (const way of WAYS) if (state.names[way].length > 0) connection.write(command(way, state.names[way]));
    connection.onData((bytes) => {
      link.out.push(bytes);
      this.touch(link);
    });
    connection.onClose(() => {
      link.closed = true;
      this.touch(link);
    });
    return link;
  }

  private touch(link: Link): void {
    if (!this.links.has(link.socket)) return;
    if (this.touched.size === 0) this.onOutput();
    this.touched.add(link);
  }

  /** What the connection is now, for the day when it has to be made again. */
  private look(link: Link): void {
    const line = this.engine.call('CLIENT', 'LIST', 'ID', link.id) as string;
    const field = (name: string) => new RegExp(` ${name}=(\\S*)`).exec(line)?.[1] ?? '';
    const { state } = link;
    const count = (way: Way) => Number(field(way.replace('scribe', '')));
    if (link.listens || WAYS.some((way) => count(way) !== state.names[way].length)) hear(link.out, state);
    // RESET ends them all and does not say which.
    for (const way of WAYS) if (count(way) === 0) state.names[way] = [];
    if (field('qbuf') === '0') link.tail = '';
    state.resp = Number(field('resp'));
    state.name = field('name');
    state.busy =
      BUSY.test(field('flags')) || link.watches || field('qbuf') !== '0' || field('user') !== 'default' || field('db') !== '0' ||
      // A subscription that was not understood.
      WAYS.some((way) => count(way) !== state.names[way].length);
    // What is queued or waits may still come.
    link.listens &&= state.busy;
    this.keep(link);
  }

  private keep(link: Link): void {
    const text = JSON.stringify(link.state);
    if (text === link.written && link.written !== '' && link.socket.deserializeAttachment() !== null) return;
    link.written = text;
    if (text.length <= ATTACHMENT_MAX && !link.row) {
      link.socket.serializeAttachment(link.state);
      return;
    }
    if (!link.row) {
      link.row = crypto.randomUUID();
      link.socket.serializeAttachment({ row: link.row });
    }
    this.ctx.storage.sql.exec('INSERT INTO redstart_sockets VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state', link.row, text);
  }
}

/** The confirmations of subscriptions among what was sent. */
function hear(out: readonly Uint8Array[], state: State): void {
  const reader = new Reader();
  const visit = (reply: Reply) => {
    if (!Array.isArray(reply)) return;
    const [first, name, count] = reply;
    if (reply.length !== 3 || !(first instanceof Uint8Array) || typeof count !== 'number') return reply.forEach(visit);
    const way = latin1(first).replace(/un(?=subscribe$)/, '') as Way;
    if (!WAYS.includes(way) || !(name instanceof Uint8Array)) return;
    const names = new Set(state.names[way]);
    if (latin1(first) === way) names.add(latin1(name));
    else names.delete(latin1(name));
    state.names[way] = [...names];
  };
  for (const bytes of out) {
    read(reader, bytes, true);
    while (reader.more) visit(reader.next());
  }
}

function command(name: string, args: readonly string[]): Uint8Array {
  const buffer = new Buffer();
  const writer = new Writer(buffer);
  writer.begin(4096);
  writer.request(new Head(name).bytes(args.length), args.map(unlatin1));
  return buffer.heap.slice(0, writer.length);
}

function send(socket: WebSocket, kind: Kind, bytes: Uint8Array): void {
  try {
    if (kind === 'resp') socket.send(bytes as unknown as ArrayBuffer);
    else for (const message of messages(bytes)) socket.send(message);
  } catch {
    // It is closing; `close` will be called.
  }
}

/** What was published, as JSON. */
function messages(bytes: Uint8Array): string[] {
  const reader = new Reader();
  const texts: string[] = [];
  read(reader, bytes, false);
  while (reader.more) {
    const [kind, ...rest] = reader.next() as string[];
    if (kind === 'message' || kind === 'smessage') texts.push(JSON.stringify({ channel: rest[0], message: rest[1] }));
    else if (kind === 'pmessage') texts.push(JSON.stringify({ channel: rest[1], message: rest[2], pattern: rest[0] }));
  }
  return texts;
}
