/**
 * What the methods reply is what their types say. The commands of the conformance scripts, and some of this file's
 * own, are called as methods of an engine, of its `bytes`, of a pipeline and of a store: each reply is checked
 * against the type that the package declares for that call, and all of them must be the same.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Engine, ReplyError, Store } from 'redstart';
import { same } from './cases.mjs';
import { dist, repository, source } from './where.mjs';

const ts = createRequire(join(source, 'package.json'))('typescript');
const { SyntaxKind } = ts;

/** Each method's declarations: its parameters, and the reply in `Out<M, reply>`. */
const DECLARED = new Map();
for (const file of ['generated/commands.d.ts', 'scan.d.ts']) {
  const url = new URL(file, dist);
  const parsed = ts.createSourceFile(file, readFileSync(url, 'utf8'), ts.ScriptTarget.ES2022, true);
  for (const node of parsed.statements) {
    if (!ts.isInterfaceDeclaration(node) || !['Commands', 'Scans'].includes(node.name.text)) continue;
    for (const method of node.members) {
      const list = DECLARED.get(method.name.text) ?? [];
      DECLARED.set(method.name.text, list);
      list.push({ parameters: method.parameters, reply: method.type.typeArguments[1] });
    }
  }
}

/** Whether a value is of a type. `S` is what strings come as: 'string', or 'bytes'. */
function conforms(value, type, S) {
  switch (type.kind) {
    case SyntaxKind.UnionType: return type.types.some((one) => conforms(value, one, S));
    case SyntaxKind.ParenthesizedType: return conforms(value, type.type, S);
    case SyntaxKind.StringKeyword: return typeof value === 'string';
    // A bigint beyond 2^53, as documented.
    case SyntaxKind.NumberKeyword: return typeof value === 'number' || (typeof value === 'bigint' && !Number.isSafeInteger(Number(value)));
    case SyntaxKind.BooleanKeyword: return typeof value === 'boolean';
    case SyntaxKind.LiteralType: return type.literal.kind === SyntaxKind.NullKeyword ? value === null : value === type.literal.text;
    case SyntaxKind.TypeOperator: return conforms(value, type.type, S);
    case SyntaxKind.ArrayType: return Array.isArray(value) && value.every((item) => conforms(item, type.elementType, S));
    case SyntaxKind.TupleType: {
      if (!Array.isArray(value)) return false;
      const rest = type.elements.at(-1)?.dotDotDotToken ? type.elements.at(-1).type : undefined;
      const elements = type.elements.slice(0, rest ? -1 : undefined).map((element) => (ts.isNamedTupleMember(element) ? element.type : element));
      return (rest ? value.length >= elements.length && conforms(value.slice(elements.length), rest, S) : value.length === elements.length)
        && elements.every((element, i) => conforms(value[i], element, S));
    }
    case SyntaxKind.TypeLiteral: {
      if (!isMap(value)) return false;
      const index = type.members.find(ts.isIndexSignatureDeclaration);
      const named = new Map(type.members.filter(ts.isPropertySignature).map((member) => [member.name.text, member]));
      return [...named.values()].every((member) => member.questionToken || Object.hasOwn(value, member.name.text))
        && Object.entries(value).every(([name, one]) => {
          const member = named.get(name) ?? index;
          return member !== undefined && conforms(one, member.type, S);
        });
    }
    case SyntaxKind.TypeReference:
      switch (type.typeName.text) {
        case 'S': return S === 'bytes' ? value instanceof Uint8Array : typeof value === 'string';
        case 'Reply': return isReply(value);
        case 'Arg': return ['string', 'number', 'bigint'].includes(typeof value) || value instanceof Uint8Array;
      }
  }
  throw new Error(`a type that this test does not know: ${type.getText()}`);
}

const isMap = (value) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
const isReply = (value) =>
  value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || value instanceof Uint8Array || value instanceof ReplyError
  || (Array.isArray(value) && value.every(isReply)) || (isMap(value) && Object.values(value).every(isReply));

/** Whether a declaration takes the arguments, as far as it tells which of several is meant. */
function takes({ parameters }, args) {
  const list = [...parameters];
  const rest = list.at(-1)?.dotDotDotToken ? list.pop() : undefined;
  if (args.length > list.length && !rest) return false;
  return list.every((parameter, i) => (i < args.length ? passes(args[i], parameter.type) : parameter.questionToken !== undefined))
    && args.slice(list.length).every((arg) => !rest || passes(arg, ts.isArrayTypeNode(rest.type) ? rest.type.elementType : rest.type));
}

function passes(arg, type) {
  if (ts.isTypeReferenceNode(type) && type.typeName.text === 'Input') return true;
  return conforms(arg, type, 'string');
}

/** The words of a line, quoted as in redis-cli; `undefined` if it is not well quoted. */
function words(line) {
  const bytes = Buffer.from(line, 'utf8').toString('latin1');
  const escapes = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
  const found = [];
  for (const [, double, single, bare] of bytes.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g)) {
    let word = bare ?? single?.replaceAll("\\'", "'");
    word ??= double.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, what) => (what.length > 1 ? String.fromCharCode(parseInt(what.slice(1), 16)) : (escapes[what] ?? what)));
    const buffer = Buffer.from(word, 'latin1');
    const text = buffer.toString('utf8');
    found.push(Buffer.from(text, 'utf8').equals(buffer) ? text : new Uint8Array(buffer));
  }
  return found;
}

const TABLE = JSON.parse(readFileSync(join(source, 'commands.json'), 'utf8')).map((command) => command.name);
const letters = (name) => name.toLowerCase().replace(/[^a-z]/g, '');
/** All spellings of a command's method. */
const METHODS = new Map(TABLE.map((name) => [name, [...DECLARED.keys()].filter((method) => letters(method) === letters(name))]));

/** A command as a method and its arguments. */
function called([first, second, ...rest]) {
  const name = String(first).toLowerCase();
  const sub = `${name}|${String(second).toLowerCase()}`;
  if (METHODS.has(sub)) return { name: sub, args: rest };
  return { name, args: second === undefined ? [] : [second, ...rest] };
}

/** They change what the connection is, or are methods of another kind. */
const LEFT = /^(multi|exec|discard|subscribe|psubscribe|ssubscribe|unsubscribe|punsubscribe|sunsubscribe|reset|hello|quit|shutdown|monitor|sync|psync|auth|client\|reply)$/;
/** What a store waits for, and an engine does not. */
const WAITING = /^(b[lrz].*(pop|move|push|max|min)|wait|waitaof)$/;
/** What a store's own connection has, and not the engine's; and figures about memory. */
const OWN = /^(client\|(info|list|id|kill|trackinginfo|getredir|tracking|caching)|commandlog\|get|slowlog\|get|memory\|stats|latency\|.*)$/;

/** What the scripts do not reach. */
const MORE = `
CLIENT ID
CLIENT NO-TOUCH ON
LASTSAVE
RPUSH l a b c d e
BLMPOP 0.01 1 l LEFT
BLMPOP 0.01 1 l LEFT COUNT 2
BRPOPLPUSH l m 0.01
ZADD z 1 a 2 b 3 c
BZMPOP 0.01 1 z MIN COUNT 2
ZADD z INCR 1 d
ZADD z NX INCR 1 d
ZREVRANK z d WITHSCORE
COMMAND COUNT
COMMAND DOCS get
COMMAND INFO get nothing
SET k v
SET k w GET
SET k 9223372036854775806
INCR k
EVAL "return {1, 'two', false, {3}}" 0
EVAL "#!lua\nreturn 1" 0
EVAL "return {double=1.5}" 0
EVAL "redis.setresp(3) return {map={a=1}}" 0
SCRIPT LOAD "return 1"
SCRIPT SHOW e0e1f9fabfc9d4800c877a703b823ac0578ff8db
SCRIPT DEBUG NO
HSET h a 1 b 2
HRANDFIELD h 2 WITHVALUES
XADD s 1-1 a 1
XADD s 2-1 a 1
XGROUP CREATE s g 0
XREADGROUP GROUP g c COUNT 1 STREAMS s >
XREADGROUP GROUP g c STREAMS s 0
XPENDING s g
XPENDING s g - + 9
XINFO CONSUMERS s
XINFO GROUPS s
XINFO STREAM s
XINFO STREAM s FULL
XCLAIM s g d 0 1-1 JUSTID
XDEL s 1-1
XREADGROUP GROUP g d STREAMS s 0
XREAD STREAMS s $
CONFIG GET maxmem*
CONFIG SET latency-monitor-threshold 1
CONFIG SET slowlog-log-slower-than 0
SET k w
SLOWLOG GET
LATENCY LATEST
CLIENT LIST
CLIENT KILL ID 999
PUBSUB NUMSUB c
GEOADD g 13.3 38.1 p 15 37.5 q
GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km
GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km WITHCOORD WITHDIST WITHHASH
GEORADIUS_RO g 15 37 200 km WITHDIST
WAITAOF 0 0 1
ROLE
LOLWUT VERSION 5
`.trim().split('\n');

/** The scripts as lists of commands, and of microseconds that pass. */
function scripts() {
  const folder = `${repository}tests/scripts`;
  const found = [{ name: 'more', steps: [...TABLE.filter((name) => name.endsWith('|help')).map((name) => name.split('|')), ...MORE.map(words)] }];
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.test')).sort()) {
    const steps = [];
    for (const line of readFileSync(`${folder}/${file}`, 'utf8').split('\n')) {
      const command = /^[a-z0-9]*> (.*)/.exec(line);
      const time = /^~ (\d+)(us|ms|s)$/.exec(line);
      if (command) steps.push(words(command[1]));
      else if (time) steps.push(Number(time[1]) * { us: 1, ms: 1000, s: 1e6 }[time[2]]);
    }
    found.push({ name: file, steps });
  }
  return found;
}

const attempt = (action) => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** A reply of `bytes` as it comes with strings. */
function asText(value) {
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (Array.isArray(value)) return value.map(asText);
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asText(one)])) : value;
}
const alike = (a, b) => (a instanceof Error ? a.message === b?.message : same(a, b));
const show = (value) => JSON.stringify(value instanceof Error ? value.message : value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))?.slice(0, 300);

/** Where the engines of a script are born: at a time, and all alike. */
const BIRTH_US = 1_767_268_800_000_000;

/** Runs a script everywhere; tells of each reply that is not as it should be. */
async function play({ name: script, steps }, seen) {
  let us = BIRTH_US;
  const clock = { now: () => us / 1000, mono: () => (us - BIRTH_US) / 1000 + 1000 };
  const options = { seed: new Uint8Array(32).fill(7), config: { maxmemory: 0, 'enable-debug-command': 'yes' }, clock };
  const engines = Array.from({ length: 4 }, () => Engine.openSync(options));
  const [engine, bytewise, queued, behind] = engines;
  const store = await Store.open({ engine: behind });
  let [queue, expected] = [queued.pipeline(), []];
  const wrong = (what, method, args, reply) => seen.wrong.push(`${script}: ${method} ${show(args)}: ${what}: ${show(reply)}`);
  const flush = () => queue.exec().forEach((reply, i) => alike(expected[i].reply, reply) || wrong(`not ${show(expected[i].reply)} in a pipeline`, expected[i].method, expected[i].args, reply));
  let isSame = true;
  for (const step of steps) {
    if (typeof step === 'number') {
      flush();
      [queue, expected] = [queued.pipeline(), []];
      us += step;
      for (const one of engines) one.tick();
      continue;
    }
    const { name, args } = called(step);
    const [method] = METHODS.get(name) ?? [];
    // A scan without its cursor is a walk.
    if (!method || LEFT.test(name) || (/^[hsz]?scan$/.test(name) && args.length < (name === 'scan' ? 1 : 2))) continue;
    const reply = attempt(() => engine[method](...args));
    const inBytes = attempt(() => bytewise.bytes[method](...args));
    queue[method](...args);
    expected.push({ method, args, reply });
    if (!(reply instanceof ReplyError)) {
      seen.replies++;
      if (reply !== null) seen.names.add(name);
      const declared = DECLARED.get(method).find((one) => takes(one, args));
      if (!declared) {
        wrong('no declaration takes this', method, args, reply);
        continue;
      }
      const type = declared.reply;
      if (!conforms(reply, type, 'string')) wrong(`not ${type.getText()}`, method, args, reply);
      if (!conforms(inBytes, type, 'bytes')) wrong(`not ${type.getText()} in bytes`, method, args, inBytes);
    }
    if (!alike(reply, asText(inBytes))) wrong(`not ${show(reply)} in bytes`, method, args, inBytes);
    if (WAITING.test(name) || step.some((word) => /^block$/i.test(word))) {
      // A store waits for what an engine says at once.
      if (reply === null) continue;
    }
    // The store would wait, and no key of the engine's is gone meanwhile.
    if (name === 'client|pause') isSame = false;
    if (!isSame || OWN.test(name)) continue;
    const later = await store[method](...args).catch((error) => error);
    if (later instanceof TypeError && later.message.includes('share one connection')) continue;
    if (!alike(reply, later)) wrong(`not ${show(reply)} on a store`, method, args, later);
  }
  flush();
  store.close();
  for (const one of engines) one.free();
}
/** Commands that no call here gets a reply of, and why. */
const UNREACHED = {
  'there is no cluster': /^(cluster(\|.*)?|asking|readonly|readwrite)$/,
  'there are no files': /^(acl\|(load|save)|config\|rewrite|save|bgsave|bgrewriteaof)$/,
  'there are no modules': /^module\|(load|loadex|unload)$/,
  'they need a connection of their own, or end the engine': /^(monitor|sync|psync|replconf|shutdown)$/,
  'nothing runs between two calls': /^(function|script)\|kill$/,
  'no command takes long enough': /^latency\|graph$/,
  'they have no reply, or not only one': /^[ps]?unsubscribe$/,
  'they are more than the command, and have types of their own': /^(multi|reset|[ps]?subscribe)$/,
};

test('replies are of the types that are declared, and the same everywhere', async () => {
  await Engine.open();
  const seen = { names: new Set(), wrong: [], replies: 0 };
  for (const script of scripts()) await play(script, seen);

  const engine = Engine.openSync();
  const check = (method, ...args) => {
    const reply = engine[method](...args);
    const type = DECLARED.get(method).find((one) => takes(one, args)).reply;
    if (!conforms(reply, type, 'string')) seen.wrong.push(`${method} ${show(args)}: not ${type.getText()}: ${show(reply)}`);
    seen.names.add(TABLE.find((name) => letters(name) === letters(method)));
    return reply;
  };
  for (const name of TABLE.filter((one) => METHODS.has(`${one}|help`) && one !== 'cluster')) check(name, 'HELP');
  engine.set('k', 1);
  check('restoreAsking', 'copy', 0, engine.bytes.dump('k'));
  engine.call('MULTI');
  check('discard');
  engine.call('MULTI');
  engine.incr('k');
  assert.deepEqual(check('exec'), [2]);
  check('hello', 3);
  assert.equal(check('clientReply', 'OFF'), null);
  check('clientReply', 'ON');
  engine.aclSetUser('me', 'on', '>secret', '+@all');
  check('auth', 'me', 'secret');
  check('quit');
  assert.equal(engine.ping(), 'PONG', 'another connection');
  engine.free();

  assert.deepEqual(seen.wrong.slice(0, 20), []);
  const unreached = TABLE.filter((name) => !seen.names.has(name));
  assert.deepEqual(unreached.filter((name) => !Object.values(UNREACHED).some((names) => names.test(name))), []);
  assert.ok(seen.replies > 4000, `only ${seen.replies} replies`);
});

test('every method is there on engines, their bytes, stores, transactions and queues', async () => {
  const store = await Store.open();
  const places = { engine: store.engine, 'engine.bytes': store.engine.bytes, 'engine.multi()': store.engine.multi(), store, 'store.bytes': store.bytes, 'store.pipeline()': store.pipeline() };
  await store.transaction((tx) => (places.tx = tx));
  for (const [place, object] of Object.entries(places)) {
    assert.deepEqual([...DECLARED.keys()].filter((method) => typeof object[method] !== 'function'), [], place);
  }
  store.close();
});

test('calls are not held by CLIENT PAUSE, and do not monitor', async () => {
  const engine = await Engine.open();
  engine.clientPause(60_000);
  assert.equal(engine.set('k', 'v'), 'OK');
  assert.equal(engine.get('k'), 'v');
  assert.throws(() => engine.monitor(), ReplyError);
  engine.free();
});
