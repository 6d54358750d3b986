/**
 * TypeScript for the command table: `commands.json` (which `cargo bless` writes) becomes
 * `src/generated/commands.ts`: a method per command with its arguments, options and reply.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { REPLIES } from './replies.mjs';
import { parse } from './syntax.mjs';

const here = new URL('..', import.meta.url);
const table = JSON.parse(readFileSync(new URL('commands.json', here), 'utf8'));

/**
 * Names of several words in camelCase, spelled as node-redis spells them where it has them. Those that are one word
 * (`get`, `expire`) have no second name.
 */
const CAMEL = `
  aclCat aclDelUser aclDryRun aclGenPass aclGetUser aclHelp aclList aclLoad aclLog aclSave aclSetUser aclUsers aclWhoAmI
  bgRewriteAof bgSave bitCount bitField bitFieldRo bitOp bitPos blMove blmPop blPop brPop brPopLPush bzmPop bzPopMax
  bzPopMin clientCaching clientCapa clientGetName clientGetRedir clientHelp clientId clientInfo clientKill clientList
  clientNoEvict clientNoTouch clientPause clientReply clientSetInfo clientSetName clientTracking clientTrackingInfo
  clientUnblock clientUnpause clusterAddSlots clusterAddSlotsRange clusterBumpEpoch clusterCountFailureReports
  clusterCountKeysInSlot clusterDelSlots clusterDelSlotsRange clusterFailover clusterFlushSlots clusterForget
  clusterGetKeysInSlot clusterHelp clusterInfo clusterKeySlot clusterLinks clusterMeet clusterMyId clusterNodes
  clusterReplicas clusterReplicate clusterReset clusterSaveConfig clusterSetConfigEpoch clusterSetSlot clusterShards
  clusterSlaves clusterSlots commandCount commandDocs commandGetKeys commandGetKeysAndFlags commandHelp commandInfo
  commandList commandLog commandLogGet commandLogHelp commandLogLen commandLogReset configGet configHelp
  configResetStat configRewrite configSet dbSize decrBy delEx delIfEq evalRo evalSha evalShaRo expireAt expireTime
  fCall fCallRo flushAll flushDb functionDelete functionDump functionFlush functionHelp functionKill functionList
  functionLoad functionRestore functionStats geoAdd geoDist geoHash geoPos geoRadius geoRadiusByMember
  geoRadiusByMemberRo geoRadiusRo geoSearch geoSearchStore getBit getDel getEx getRange getSet hDel hExists hExpire
  hExpireAt hExpireTime hGet hGetAll hGetDel hGetEx hIncrBy hIncrByFloat hKeys hLen hmGet hmSet hotkeysGet hotkeysHelp
  hotkeysReset hotkeysStart hotkeysStop hPersist hpExpire hpExpireAt hpExpireTime hpTTL hRandField hScan hSet hSetEx
  hSetNX hStrLen hTTL hVals incrBy incrByFloat incrEx lastSave latencyDoctor latencyGraph latencyHelp latencyHistogram
  latencyHistory latencyLatest latencyReset lIndex lInsert lLen lMove lmPop lolWut lPop lPos lPush lPushX lRange lRem
  lSet lTrim memoryDoctor memoryHelp memoryMallocStats memoryPurge memoryStats memoryUsage mGet moduleHelp moduleList
  moduleLoad moduleLoadEx moduleUnload mSet mSetEx mSetNX objectEncoding objectFreq objectHelp objectIdleTime
  objectRefCount pExpire pExpireAt pExpireTime pfAdd pfCount pfDebug pfMerge pfSelfTest pSetEx pSubscribe pTTL pubSub
  pubSubChannels pubSubHelp pubSubNumPat pubSubNumSub pubSubShardChannels pubSubShardNumSub pUnsubscribe randomKey
  readOnly readWrite renameNX restoreAsking rPop rPopLPush rPush rPushX sAdd sCard scriptDebug scriptExists scriptFlush
  scriptHelp scriptKill scriptLoad scriptShow sDiff sDiffStore setBit setEx setNX setRange sInter sInterCard
  sInterStore sIsMember slowLog slowLogGet slowLogHelp slowLogLen slowLogReset sMembers smIsMember sMove sortRo sPop
  sPublish sRandMember sRem sScan sSubscribe strLen subStr sUnion sUnionStore sUnsubscribe swapDb waitAof xAck xAckDel
  xAdd xAutoClaim xClaim xDel xDelEx xGroup xGroupCreate xGroupCreateConsumer xGroupDelConsumer xGroupDestroy
  xGroupHelp xGroupSetId xInfo xInfoConsumers xInfoGroups xInfoHelp xInfoStream xLen xPending xRange xRead xReadGroup
  xRevRange xSetId xTrim zAdd zCard zCount zDiff zDiffStore zIncrBy zInter zInterCard zInterStore zLexCount zmPop
  zmScore zPopMax zPopMin zRandMember zRange zRangeByLex zRangeByScore zRangeStore zRank zRem zRemRangeByLex
  zRemRangeByRank zRemRangeByScore zRevRange zRevRangeByLex zRevRangeByScore zRevRank zScan zScore zUnion zUnionStore`
  .trim().split(/\s+/);
const letters = (name) => name.toLowerCase().replace(/[^a-z]/g, '');
const spelled = new Map(CAMEL.map((name) => [letters(name), name]));
for (const name of CAMEL) if (!table.some((c) => letters(c.name) === letters(name))) throw new Error(`${name} is no command`);

/** `hgetall` as `hGetAll`, `config|get` as `configGet`; undefined if it is one word. */
function camel(name) {
  const known = spelled.get(letters(name));
  if (!known && /[|_-]/.test(name)) throw new Error(`CAMEL lacks ${name}`);
  return known;
}

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
for (const [type, names] of Object.entries(REPLIES)) {
  for (const name of names.trim().split(/\s+/)) {
    if (replies.has(name)) throw new Error(`replies.mjs: ${name} stands there twice`);
    if (!table.some((c) => c.name === name.replace('()', ''))) throw new Error(`replies.mjs: ${name} is no command`);
    replies.set(name, type);
  }
}

/** The parameters where the first field and its value are in an object, a Map or a list. */
function withFields({ name, syntax }) {
  const place = pairs[name] === 'all' ? parseInt(objects[table.findIndex((c) => c.name === name)], 36) : pairs[name];
  if (typeof place !== 'number') return [];
  const first = parse(syntax).slice(0, place).map(({ text }) => `${identifier(text)}: Arg, `);
  return [`${first.join('')}fields: Fields, ...more: Input[]`];
}

/** The parameters with the reply to each: what every call has first, if the reply to more than that is another one. */
function calls(name, lists) {
  const reply = replies.get(name) ?? 'Reply';
  const plain = replies.get(`${name}()`);
  const made = lists.map((list) => [list, reply]);
  if (!plain) return made;
  const fixed = lists[0].split(/, (?=\w+\?: |\.\.\.)/)[0];
  const first = [fixed, plain];
  // One value that may be left out, or be `undefined`.
  if (/\w\?: Arg$/.test(lists[0])) return [first, [lists[0].replace('?: ', ': '), reply], [lists[0], `${plain} | ${reply}`]];
  return [first, ...made];
}

/** Those whose types are written by hand, since they are more than one command. */
const CUSTOM = ['subscribe', 'psubscribe', 'ssubscribe', 'reset', 'multi', 'scan', 'hscan', 'sscan', 'zscan'];

/**
 * Commands that take objects of fields and values: which of the objects are such; 'all', the 'last', or the one at
 * a place.
 */
const pairs = {};
/**
 * Where objects may begin, being options or fields: a digit of base 36. Commands that take values alone: `,` if the
 * last of them may be left out, else `.`.
 */
const objects = table.map(({ name, syntax }) => {
  if (table.some((c) => c.name.startsWith(`${name}|`))) return '0';
  const nodes = parse(syntax);
  const values = nodes.findIndex((node) => node.kind !== 'value' || node.repeated);
  if (/(field|key|parameter) value \[\1 value|(field|key|parameter) value\.\.\./.test(syntax)) {
    const many = nodes.findIndex((node) => node.kind === 'optional' && node.of.at(-1).repeated);
    const first = nodes.slice(0, many).findIndex((node) => node.text === nodes[many].of[0].text);
    const isFixed = many >= 0 && values === many;
    pairs[name] = isFixed ? (many === nodes.length - 1 ? 'all' : first) : 'last';
    return (isFixed ? first : values).toString(36);
  }
  const hasWords = (node) => node.kind !== 'value' && (node.kind !== 'optional' || node.of.some(hasWords));
  if (nodes.some(hasWords)) return values.toString(36);
  const last = nodes.at(-1);
  return last?.kind === 'optional' && last.of.every((node) => node.kind === 'value' && !node.repeated) ? ',' : '.';
}).join('');
const methods = [];
const aliases = {};
for (const command of table) {
  const [, sub] = command.name.split('|');
  const isContainer = table.some((c) => c.name.startsWith(`${command.name}|`));
  const lists = calls(command.name, isContainer ? ['...args: Input[]'] : [...signatures(command), ...withFields(command)]);
  const made = sub ? camel(command.name) : command.name.replaceAll('-', '_');
  const doc = `  /** ${command.summary}${command.syntax && !isContainer ? ` \`${command.name.replace('|', ' ').toUpperCase()} ${command.syntax}\`` : ''} */`;
  const declare = (name) => lists.map(([list, reply]) => `  ${name}(${list}): Out<M, ${reply}>;`).join('\n');
  const custom = CUSTOM.includes(command.name);
  if (sub) aliases[made] = command.name;
  if (!custom) methods.push(`${doc}\n${declare(made)}`);
  const alias = sub ? undefined : camel(command.name);
  if (alias && alias !== command.name) {
    aliases[alias] = command.name;
    if (!custom) methods.push(`  /** {@link Commands.${made}} */\n${declare(alias)}`);
  }
}
const reads = table.filter((c) => c.flags.split(' ').includes('readonly')).map((c) => c.name);

const text = `/** Made by scripts/generate.mjs from commands.json. */

import type { Arg, Fields, Input } from '../request.js';
import type { Reply } from '../reply.js';
import type { Mode, Out } from '../table.js';

/** The names of all commands; subcommands as \`container|name\`. */
export const NAMES = ${JSON.stringify(table.map((c) => c.name).join(' '))}.split(' ');

/** Commands that take objects of fields and values, and which objects are such: all, the last, or the one at a place. */
export const PAIRS: { readonly [name: string]: 'all' | 'last' | number | undefined } = ${JSON.stringify(pairs)};

/** For each of NAMES where objects may begin (a digit of base 36); values alone: a comma if the last is optional, or a dot. */
export const OBJECTS = ${JSON.stringify(objects)};

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
