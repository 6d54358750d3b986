/**
 * Many objects as one store: keys are spread over them by hash slot, as Redis Cluster spreads them.
 *
 * A key's slot is CRC16 of the key, or of what stands between its first braces, modulo 16384; each object has
 * an equal share of the slots. A command whose keys are in different slots is refused with CROSSSLOT, also
 * where the same object happens to have both: what works today works with more objects. Where the keys of a
 * command are, an engine of the router's own knows; how a command without keys is to be spread stands in
 * the tips of COMMAND INFO.
 */

import { Engine, type Listener, type Reply, ReplyError } from '../index.js';
import type { Arg, Head } from '../request.js';
import type { Request } from '../table.js';
import { Commander } from './commander.js';
import { whole } from './rest.js';
import { connect, type Namespace, type Remote } from './remote.js';

/** How a cluster is to be. */
export interface ClusterOptions {
  /** The objects are called `<name>:0/<shards>` and so on. `redstart` unless set. */
  name?: string;
  /** How many objects there are. It cannot be changed later: keys would be looked for elsewhere. */
  shards: number;
}

const SLOTS = 16384;

/** What COMMAND INFO says of a command. */
interface Facts {
  movable: boolean;
  first: number;
  last: number;
  step: number;
  request: string | undefined;
  response: string | undefined;
}

/** Of commands whose tips leave it open. */
const EVERYWHERE: { readonly [name: string]: readonly [request: string, response: string | undefined] } = {
  'config|set': ['all_nodes', 'all_succeeded'],
  'config|resetstat': ['all_nodes', 'all_succeeded'],
  keys: ['all_shards', undefined],
  'pubsub|channels': ['all_shards', undefined],
  'pubsub|shardchannels': ['all_shards', undefined],
  'pubsub|numsub': ['all_shards', 'sum_of_each'],
  'pubsub|shardnumsub': ['all_shards', 'sum_of_each'],
  'function|restore': ['all_shards', 'all_succeeded'],
};
const CHANNELS = new Set(['publish', 'spublish']);
/** Channels that each object tells of its own keys. */
const OF_KEYS = /^__key(space|event)@/;

export class Cluster extends Commander {
  private readonly shards: readonly Remote[];
  private readonly facts = new Map<string, Facts>();
  private guide: Engine | undefined;

  constructor(namespace: Namespace, options: ClusterOptions) {
    super();
    const { shards, name = 'redstart' } = options;
    if (!Number.isInteger(shards) || shards < 1 || shards > SLOTS) throw new RangeError(`shards: expected a number from 1 to ${SLOTS}, got ${shards}`);
    this.shards = Array.from({ length: shards }, (_, shard) => connect(namespace, `${name}:${shard}/${shards}`));
  }

  /** The store that has a key. */
  of(key: Arg): Remote {
    return this.shards[this.shardOf(hashSlot(key))]!;
  }

  /** @internal */
  override async send(given: Request): Promise<Reply> {
    const request = whole(given);
    const { head, args } = request;
    if (head.name === 'scan') return this.scanAll(request);
    const slot = this.slotOf(request);
    if (slot !== undefined) return this.shards[this.shardOf(slot)]!.send(request);
    if (head.name === 'randomkey') return this.anyKey(request);
    const [spread, response] = EVERYWHERE[head.name] ?? this.policy(head.name);
    if (spread !== 'all_shards' && spread !== 'all_nodes') return this.shards[0]!.send(request);
    return combine(response, await Promise.all(this.shards.map((shard) => shard.send(request))));
  }

  /** @internal */
  protected override flat(): Cluster {
    const twin = Object.create(Cluster.prototype) as Cluster;
    return Object.assign(twin, { facts: this.facts, guide: this.engine, shards: this.shards.map((shard) => shard.flat()) });
  }

  /** A transaction goes to one object; the commands of a pipeline to those of their keys. */
  override async sendAll(requests: readonly Request[], atomic: boolean): Promise<Reply[]> {
    if (!atomic) {
      return Promise.all(
        requests.map((request) =>
          this.send(request).catch((error: unknown) => {
            if (error instanceof ReplyError) return error;
            throw error;
          }),
        ),
      );
    }
    let slot: number | undefined;
    for (const request of requests) {
      const own = this.slotOf(whole(request));
      if (own !== undefined && slot !== undefined && own !== slot) throw crossSlot(request.head);
      slot ??= own;
    }
    return this.shards[this.shardOf(slot ?? 0)]!.sendAll(requests);
  }

  /** Calls `listener` with what is published on the channels, each of which is in the object of its slot. */
  async subscribe(channels: string | readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    return this.listen('subscribe', typeof channels === 'string' ? [channels] : channels, listener, lost);
  }

  /** The same for shard channels. */
  async ssubscribe(channels: string | readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    return this.listen('ssubscribe', typeof channels === 'string' ? [channels] : channels, listener, lost);
  }

  /** The same for all channels whose names match the patterns, which may be in any object. */
  async psubscribe(patterns: string | readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    return together(this.shards.map((shard) => (gone) => shard.psubscribe(patterns, listener, gone)), lost);
  }

  private async listen(way: string, channels: readonly string[], listener: Listener, lost?: () => void): Promise<() => void> {
    const groups = new Map<Remote, string[]>();
    for (const channel of channels) {
      const from = way === 'subscribe' && OF_KEYS.test(channel) ? this.shards : [this.of(channel)];
      for (const shard of from) groups.set(shard, [...(groups.get(shard) ?? []), channel]);
    }
    return together([...groups].map(([shard, names]) => (gone) => shard.listen(way, names, listener, gone)), lost);
  }

  /** The slot of a command's keys or channel; nothing if it has none. */
  private slotOf({ head, args }: Request): number | undefined {
    if (CHANNELS.has(head.name) && args.length > 0) return hashSlot(args[0]!);
    let slot: number | undefined;
    for (const key of this.keysOf(head, args)) {
      const own = hashSlot(key);
      if (slot !== undefined && own !== slot) throw crossSlot(head);
      slot = own;
    }
    return slot;
  }

  private keysOf(head: Head, args: readonly Arg[]): readonly Arg[] {
    const facts = this.factsOf(head.name);
    if (facts.movable) {
      try {
        return this.engine.bytes.call('COMMAND', 'GETKEYS', ...head.name.split('|'), ...args) as Uint8Array[];
      } catch (error) {
        // No keys, or not the right arguments, which the object will say.
        if (error instanceof ReplyError) return [];
        throw error;
      }
    }
    if (facts.first === 0) return [];
    // Positions count the command's words too.
    const words = head.name.split('|').length;
    const last = facts.last < 0 ? args.length + words + facts.last : facts.last;
    const keys: Arg[] = [];
    for (let at = facts.first; at <= last; at += facts.step) {
      const key = args[at - words];
      if (key !== undefined) keys.push(key);
    }
    return keys;
  }

  private factsOf(name: string): Facts {
    let facts = this.facts.get(name);
    if (!facts) {
      const [info] = this.engine.call('COMMAND', 'INFO', name) as [[string, number, string[], number, number, number, string[], string[]] | null];
      const tip = (kind: string) => info?.[7].find((tip) => tip.startsWith(kind))?.slice(kind.length);
      facts = {
        movable: info?.[2].includes('movablekeys') ?? false,
        first: info?.[3] ?? 0,
        last: info?.[4] ?? 0,
        step: Math.max(info?.[5] ?? 1, 1),
        request: tip('request_policy:'),
        response: tip('response_policy:'),
      };
      if (this.facts.size < 1024) this.facts.set(name, facts);
    }
    return facts;
  }

  private policy(name: string): readonly [string | undefined, string | undefined] {
    const { request, response } = this.factsOf(name);
    return [request, response];
  }

  /** One cursor for all: the shard's own, and the shard. */
  private async scanAll({ head, args, bytes }: Request): Promise<Reply> {
    const count = BigInt(this.shards.length);
    if (!/^\d+$/.test(String(args[0]))) return this.shards[0]!.send({ head, args, bytes });
    const cursor = BigInt(String(args[0]));
    const shard = cursor % count;
    const own = { head, args: [String(cursor / count), ...args.slice(1)], bytes };
    const [next, keys] = (await this.shards[Number(shard)]!.send(own)) as [string | Uint8Array, Reply];
    const there = BigInt(typeof next === 'string' ? next : new TextDecoder().decode(next));
    const text = String(there !== 0n ? there * count + shard : shard + 1n < count ? shard + 1n : 0n);
    return [bytes ? encoder.encode(text) : text, keys];
  }

  private async anyKey(request: Request): Promise<Reply> {
    const from = Math.floor(Math.random() * this.shards.length);
    for (let i = 0; i < this.shards.length; i++) {
      const key = await this.shards[(from + i) % this.shards.length]!.send(request);
      if (key !== null) return key;
    }
    return null;
  }

  private shardOf(slot: number): number {
    return Math.floor((slot * this.shards.length) / SLOTS);
  }

  private get engine(): Engine {
    return (this.guide ??= Engine.openSync({ clock: { now: () => 0 } }));
  }
}

/** Several subscriptions as one: all of them, or none. */
async function together(begin: readonly ((gone: () => void) => Promise<() => void>)[], lost?: () => void): Promise<() => void> {
  let ended = false;
  const stops: (() => void)[] = [];
  const stop = () => {
    ended = true;
    for (const end of stops.splice(0)) end();
  };
  const gone = () => {
    if (ended) return;
    stop();
    lost?.();
  };
  const add = (end: () => void) => void (ended ? end() : stops.push(end));
  try {
    await Promise.all(begin.map((one) => one(gone).then(add)));
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

function crossSlot(head: Head): ReplyError {
  return new ReplyError("CROSSSLOT Keys in request don't hash to the same slot", head.name);
}

/** One reply from those of all objects, as COMMAND INFO's tips have it. */
function combine(policy: string | undefined, replies: readonly Reply[]): Reply {
  const numbers = replies as number[];
  const each = (merge: (column: number[]) => number): Reply =>
    Array.isArray(replies[0]) ? replies[0].map((_, i) => merge((replies as number[][]).map((row) => row[i]!))) : merge(numbers);
  switch (policy) {
    case 'agg_sum':
      return each((column) => column.reduce((sum, n) => sum + n, 0));
    case 'agg_min':
      return each((column) => Math.min(...column));
    case 'agg_max':
      return each((column) => Math.max(...column));
    case 'agg_logical_and':
      return each((column) => (column.every(Boolean) ? 1 : 0));
    case 'agg_logical_or':
      return each((column) => (column.some(Boolean) ? 1 : 0));
    case 'sum_of_each':
      // Names, and how many there are of each.
      return (replies[0] as Reply[]).map((name, i) => (i % 2 === 0 ? name : (replies as number[][]).reduce((sum, row) => sum + row[i]!, 0)));
    case undefined:
      if (replies.every(Array.isArray)) return (replies as Reply[][]).flat();
      return replies[0]!;
    default:
      return replies[0]!;
  }
}

const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});
const encoder = new TextEncoder();

/** The hash slot of a key, as Redis Cluster has it. */
export function hashSlot(key: Arg): number {
  let bytes = key instanceof Uint8Array ? key : encoder.encode(String(key));
  const open = bytes.indexOf(0x7b);
  if (open >= 0) {
    const close = bytes.indexOf(0x7d, open + 1);
    if (close > open + 1) bytes = bytes.subarray(open + 1, close);
  }
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ CRC16[((crc >> 8) ^ byte) & 0xff]!;
  return crc % SLOTS;
}
