/**
 * TypeScript for the command table: `commands.json` (which `cargo bless` writes) becomes
 * `src/generated/commands.ts`: a method per command with its arguments, options and reply.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { REPLIES } from './replies.mjs';
import { parse } from './syntax.mjs';

const here = new URL('..', import.meta.url);
const table = JSON.parse(readFileSync(new URL('commands.json', here), 'utf8'));

/** Words that names of commands are made of, for camelCase. */
const WORDS = `get set del ex nx px at all add rem range by score lex rank rev count card index insert len pop push
  trim move members member is inter union diff store rand keys vals exists incr decr float time expire persist field
  mget key str scan random rename copy touch type unlink wait aof object sub publish num sharded flush db swap save
  bg last client command config info reset bit op pos ro pf merge geo search radius dist hash stream read group ack
  claim auto pending range create consumer destroy id script load eval sha fcall function list dump restore echo ping
  quit hello auth select multi exec discard watch unwatch subscribe unsubscribe slot channels pat name tracking pause
  unpause kill no evict touch caching reply lib stat ver setinfo help docs getkeys and flags encoding freq idle refcount
  usage memory doctor malloc stats purge latency event history graph lol wut debug size role replica of sync monitor
  slow log acl cat deluser setuser whoami users gen pass sort lcs sub getredir unblock numpat numsub shard channels
  rewrite resetstat append dump shutdown failover migrate asking readonly readwrite cluster module swapdb dbsize`
  .split(/\s+/);
const FIRST = ['b', 'h', 'l', 'r', 'z', 's', 'x', 'p', 'm', 'bz', 'bl', 'br', 'lm', 'zm', 'hp'];

/** `hgetall` as `hGetAll`; undefined if it is one word, or no words that we know. */
function camel(name) {
  const best = new Map([[0, []]]);
  for (let end = 1; end <= name.length; end++) {
    for (let from = 0; from < end; from++) {
      const word = name.slice(from, end);
      const before = best.get(from);
      const known = WORDS.includes(word) || (from === 0 && FIRST.includes(word));
      if (!before || !known) continue;
      const words = [...before, word];
      if (!best.has(end) || words.length < best.get(end).length) best.set(end, words);
    }
  }
  const words = best.get(name.length);
  return words && words.map((word, i) => (i ? word[0].toUpperCase() + word.slice(1) : word)).join('');
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);
const identifier = (text) => {
  const name = text.replace(/[^a-zA-Z0-9]+(.)?/g, (_, c) => (c ?? '').toUpperCase());
  return ['function', 'default', 'new', 'delete', 'arguments', 'eval'].includes(name) ? `${name}Name` : name;
};

/** The value that a token takes, as a TypeScript type; `true` if none. */
const valueOf = (nodes) =>
  nodes.length === 0 ? 'boolean' : nodes.length === 1 && nodes[0].kind === 'value' ? 'Arg' : 'readonly Arg[]';

/** The options in an optional part as `NAME?: type`, or undefined if it is not made of tokens alone. */
function options(node) {
  const found = [];
  const sequences = node.kind === 'choice' ? node.of : [[node]];
  for (const sequence of sequences) {
    const [first, ...rest] = sequence.flatMap((n) => (n.kind === 'group' ? n.of : [n]));
    if (first?.kind === 'choice') {
      const inner = options(first);
      if (!inner) return undefined;
      found.push(...inner);
      for (const more of rest) {
        const inner = more.kind === 'optional' ? optionsOf(more) : undefined;
        if (!inner) return undefined;
        found.push(...inner);
      }
    } else if (first?.kind === 'token') {
      const flat = rest.filter((n) => n.kind !== 'optional' || n.of[0]?.kind !== 'token');
      if (flat.some((n) => n.kind === 'token' || n.kind === 'choice')) return undefined;
      found.push([first.text, valueOf(flat)]);
    } else {
      return undefined;
    }
  }
  return found;
}

function optionsOf(optional) {
  const nodes = optional.of;
  return nodes.length === 1 && nodes[0].kind !== 'token' ? options(nodes[0]) : options({ kind: 'group', of: nodes });
}

/** The parameter lists a command can be called with. */
function signatures(command) {
  let nodes;
  try {
    nodes = parse(command.syntax);
  } catch {
    return ['...args: Input[]'];
  }
  const params = [];
  const names = new Set();
  const param = (text, optional) => {
    let name = identifier(text);
    while (names.has(name)) name += '_';
    names.add(name);
    params.push(`${name}${optional ? '?' : ''}: Arg`);
  };
  let i = 0;
  while (nodes[i]?.kind === 'value' && !nodes[i].repeated) param(nodes[i++].text);
  const rest = nodes.slice(i);
  const list = (more) => [...params, more].join(', ');
  if (rest.length === 0) return [params.join(', ')];
  if (rest.length === 1 && rest[0].kind === 'value') {
    const repeated = identifier(`${rest[0].text}s`);
    return [list(`...${repeated}: (Arg | readonly Arg[])[]`)];
  }
  if (rest.every((n) => n.kind === 'optional')) {
    const found = rest.map(optionsOf);
    if (found.every(Boolean)) {
      const fields = new Map(found.flat());
      const property = (name) => (/^\w+$/.test(name) ? name : `'${name}'`);
      const both = [...fields].flatMap(([name, type]) => [`${property(name)}?: ${type}`, `${property(name.toLowerCase())}?: ${type}`]);
      return [list(`options?: { ${both.join('; ')} }`), list('...tokens: Input[]')];
    }
    if (rest.length === 1 && rest[0].of.length === 1 && rest[0].of[0].kind === 'value' && !rest[0].of[0].repeated) {
      param(rest[0].of[0].text, true);
      return [params.join(', ')];
    }
  }
  return [list('...more: Input[]')];
}

const replies = new Map();
for (const [type, names] of Object.entries(REPLIES)) for (const name of names.split(/\s+/)) replies.set(name, type);

/** Those whose types are written by hand, since they are more than one command. */
const CUSTOM = ['subscribe', 'psubscribe', 'ssubscribe', 'reset', 'multi', 'scan', 'hscan', 'sscan', 'zscan'];

const methods = [];
const aliases = {};
for (const command of table) {
  const [container, sub] = command.name.split('|');
  const isContainer = table.some((c) => c.name.startsWith(`${command.name}|`));
  const reply = replies.get(command.name) ?? 'Reply';
  const lists = isContainer ? ['...args: Input[]'] : signatures(command);
  const made = sub
    ? container + sub.split('-').map((word) => capital(camel(word) ?? word)).join('')
    : command.name.replaceAll('-', '_');
  const doc = `  /** ${command.summary}${command.syntax && !isContainer ? ` \`${command.name.replace('|', ' ').toUpperCase()} ${command.syntax}\`` : ''} */`;
  const declare = (name) => lists.map((list) => `  ${name}(${list}): Out<M, ${reply}>;`).join('\n');
  const custom = CUSTOM.includes(command.name);
  if (sub) aliases[made] = command.name;
  if (!custom) methods.push(`${doc}\n${declare(made)}`);
  const alias = sub ? undefined : camel(command.name);
  if (alias && alias !== command.name) {
    aliases[alias] = command.name;
    if (!custom) methods.push(`  /** {@link Commands.${made}} */\n${declare(alias)}`);
  }
}
/** Commands whose last argument may be an object of fields and values. */
const pairs = table.filter((c) => /(field|key) value \[\1 value|(field|key) value\.\.\./.test(c.syntax)).map((c) => c.name);
const reads = table.filter((c) => c.flags.split(' ').includes('readonly')).map((c) => c.name);

const text = `/** Made by scripts/generate.mjs from commands.json. */

import type { Arg, Input } from '../request.js';
import type { Reply } from '../reply.js';
import type { Mode, Out } from '../table.js';

/** The names of all commands; subcommands as \`container|name\`. */
export const NAMES = ${JSON.stringify(table.map((c) => c.name).join(' '))}.split(' ');

/** Commands that take an object of fields and values. */
export const PAIRS: ReadonlySet<string> = new Set(${JSON.stringify(pairs)});

/** Other names of the methods: camelCase, and subcommands. */
export const ALIASES: { readonly [alias: string]: string } = ${JSON.stringify(aliases, null, 2)};

/** Commands that only read keys. */
export const READS: ReadonlySet<string> = new Set(${JSON.stringify(reads.join(' '))}.split(' '));

/** Every command as a method; \`S\` is what its strings come as, \`M\` when its replies do. */
export interface Commands<S extends string | Uint8Array, M extends Mode = 'now'> {
${methods.join('\n').replaceAll('`', '`')}
}
`;
mkdirSync(new URL('src/generated', here), { recursive: true });
writeFileSync(new URL('src/generated/commands.ts', here), text);

// The console's own table, which it loads when it is first wanted.
const rows = table.map((c) => [c.name, c.syntax, c.summary, c.group]);
writeFileSync(
  new URL('src/generated/table.ts', here),
  `/** Made by scripts/generate.mjs from commands.json: name, syntax, summary, group. */\nexport const COMMANDS: readonly (readonly [string, string, string, string])[] = ${JSON.stringify(rows)};\n`,
);
