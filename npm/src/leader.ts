/**
 * One engine behind all tabs where there is no SharedWorker: in one of the tabs, the leader.
 *
 * Whoever gets the Web Lock leads: it opens the engine and serves the others over a pair of BroadcastChannels
 * each. When its tab dies the browser hands the lock to another one, which opens an engine anew: with `storage`
 * it has all that was acknowledged, without it is empty. Pending calls of the others reject by then.
 */

import type { Channel, Host } from './channel.js';
import { Engine, type EngineOptions } from './engine.js';
import { ConnectionLostError } from './error.js';
import { hold, PortHost, serve } from './port.js';

/** What is said on the channel that all tabs share. */
type Notice =
  /** Who leads? */
  | { who: true }
  /** I do. */
  | { leader: string }
  /** A tab wants a channel of its own with the leader. */
  | { join: string; leader: string }
  /** It has one. */
  | { joined: string; leader: string };

export class Leader implements Host {
  private readonly name: string;
  private readonly settings: EngineOptions;
  private readonly me = crypto.randomUUID();
  private readonly notices: BroadcastChannel;
  private readonly ending = new AbortController();
  /** The lock that says that this tab lives. */
  private lock: ReturnType<typeof hold> | undefined;
  private release: () => void = () => undefined;
  private engine: Engine | undefined;
  private leader: string | undefined;
  private host: PortHost | undefined;
  private error: Error | undefined;
  /** Those who wait until somebody leads. */
  private waiting: { resolve: (host: Host) => void; reject: (error: Error) => void }[] = [];

  constructor(name: string, settings: EngineOptions) {
    this.name = name;
    this.settings = settings;
    this.notices = new BroadcastChannel(name);
    this.notices.addEventListener('message', ({ data }) => this.hear(data as Notice));
    navigator.locks.request(name, { signal: this.ending.signal }, () => this.lead()).catch((error: Error) => {
      if (!this.ending.signal.aborted) this.fail(error);
    });
    this.say({ who: true });
  }

  async connect(address?: string): Promise<Channel> {
    if (this.error) throw this.error;
    const host = this.engine ?? this.host ?? (await new Promise<Host>((resolve, reject) => this.waiting.push({ resolve, reject })));
    return host.connect(address);
  }

  close(): void {
    this.fail(new ConnectionLostError('the store was closed', { isFinal: true }));
    this.ending.abort();
    this.host?.close();
    // The next leader reads what this one has saved, so not before.
    const saved = this.engine?.close() ?? Promise.resolve();
    saved.then(() => this.release(), () => this.release());
    this.engine = undefined;
    void this.lock?.then(({ release }) => release());
    this.notices.close();
  }

  private say(notice: Notice): void {
    this.notices.postMessage(notice);
  }

  /** Leads until this tab ends. */
  private async lead(): Promise<void> {
    if (this.error) return;
    this.host?.lose(new ConnectionLostError('the tab with the engine ended'));
    this.host = undefined;
    this.lock = hold('leader');
    try {
      this.engine = await Engine.open(this.settings);
      this.engine.ping();
    } catch (error) {
      await this.engine?.close().catch(() => undefined);
      this.engine = undefined;
      return this.fail(error as Error);
    }
    this.leader = this.me;
    this.say({ leader: this.me });
    this.found(this.engine);
    await new Promise<void>((resolve) => (this.release = resolve));
  }

  private hear(notice: Notice): void {
    if (this.error) return;
    if ('who' in notice) {
      if (this.engine) this.say({ leader: this.me });
    } else if ('join' in notice) {
      if (this.engine && notice.leader === this.me) this.admit(notice.join);
    } else if ('joined' in notice) {
      if (notice.joined === this.me && notice.leader === this.leader && !this.engine) void this.follow(notice.leader);
    } else if (notice.leader !== this.leader && !this.engine) {
      this.host?.lose(new ConnectionLostError('the tab with the engine ended'));
      this.host = undefined;
      this.leader = notice.leader;
      this.say({ join: this.me, leader: notice.leader });
    }
  }

  private pair(leader: string, tab: string): BroadcastChannel {
    return new BroadcastChannel(`${this.name} ${leader} ${tab}`);
  }

  /** Serves another tab. */
  private admit(tab: string): void {
    const port = this.pair(this.me, tab);
    serve(port, async () => this.engine!, this.lock!, () => port.close());
    this.say({ joined: tab, leader: this.me });
  }

  private async follow(leader: string): Promise<void> {
    const port = this.pair(leader, this.me);
    try {
      const host = await PortHost.open(port, this.settings, false);
      if (this.leader !== leader || this.error) return host.close();
      host.onLost = () => {
        port.close();
        if (this.host === host) this.host = undefined;
        if (this.leader === leader) this.leader = undefined;
      };
      this.host = host;
      this.found(host);
    } catch (error) {
      port.close();
      // A leader that died meanwhile is followed by another.
      if (!(error instanceof ConnectionLostError)) this.fail(error as Error);
    }
  }

  private found(host: Host): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const { resolve } of waiting) resolve(host);
  }

  private fail(error: Error): void {
    this.error ??= error;
    const waiting = this.waiting;
    this.waiting = [];
    for (const { reject } of waiting) reject(error);
  }
}
