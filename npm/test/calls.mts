/** Calls as they are documented, and as users of other clients write them: they compile. */
import { Engine, Store, type Reply } from 'redstart';
const e: Engine = await Engine.open();
const s: Store = await Store.open();
const m = new Map([['a', 1], ['b', 2]]);
const maybe: number | undefined = Math.random() > 2 ? 1 : undefined;
const names: readonly string[] = ['a', 'b'];
interface Bird { name: string; weight: number }
const bird: Bird = { name: 'x', weight: 1 };
type Opts = { EX?: number; NX?: boolean };
const opts: Opts = {};
// strings
e.set('k', 'v', { EX: 60, NX: true }); e.set('k', 'v', { ex: 60, get: true }); e.set('k', 'v', opts); e.set('k', 1n, 'PX', 5, 'NX');
e.set('k', 'v', { EX: maybe }); e.set('k', new Uint8Array(1), { KEEPTTL: true });
e.set('k', 'v', { EX: null }); e.set('k', 'v', Math.random() > 1 ? opts : undefined);
e.mset({ a: 1, b: 2 }); e.mset(m); e.mset('a', 1, 'b', 2); e.mset(['a', 1]); e.mSetNX({ a: 1 }); e.msetex(2, { a: 1, b: 2 }, { EX: 60 });
e.mset(Object.fromEntries([['a', 'b']]));
e.mget('a', 'b'); e.mget(['a', 'b']); e.mget(names); e.mGet(...names);
e.incrBy('k', 5); e.incrByFloat('k', 0.5); e.getEx('k', { EX: 10 }); e.getEx('k', { PERSIST: true }); e.getRange('k', 0, -1); e.setRange('k', 0, 'x');
e.append('k', 'x'); e.lcs('a', 'b', { IDX: true, MINMATCHLEN: 4 });
e.bitField('k', 'GET', 'u8', 0, 'INCRBY', 'u8', 0, 1); e.bitCount('k'); e.bitCount('k', 0, -1, 'BIT'); e.bitPos('k', 1, 0);
e.bitOp('AND', 'd', 'a', 'b'); e.bitOp('AND', 'd', ['a', 'b']); e.setBit('k', 7, 1);
// keys
e.del('a', ['b', 'c']); e.unlink(names); e.exists('a', 'b'); e.expire('k', 10); e.expire('k', 10, 'NX'); e.expire('k', 10, { NX: true });
e.pExpireAt('k', Date.now()); e.copy('a', 'b', { REPLACE: true, DB: 1 }); e.copy('a', 'b', 'DB', 1); e.rename('a', 'b'); e.touch('a', names);
e.type('a'); e.persist('a'); e.randomKey(); e.dbSize(); e.keys('*'); e.flushAll(); e.flushAll('ASYNC'); e.flushDb({ SYNC: true });
e.restore('k', 0, new Uint8Array(3), { REPLACE: true }); e.sort('l', { BY: 'w_*', LIMIT: [0, 5], ALPHA: true, DESC: true });
e.sort('l', 'GET', '#', 'GET', 'x*'); e.objectEncoding('k'); e.object('ENCODING', 'k');
// hashes
e.hset('h', { a: 1 }); e.hSet('h', m); e.hSet('h', 'f', 'v'); e.hset('h', ['f', 'v']); e.hset('h', { ...bird }); e.hSet('h', 1, 2);
e.hmget('h', 'a', 'b'); e.hmGet('h', names); e.hmset('h', { a: 1 }); e.hExpire('h', 10, 'FIELDS', 1, 'a');
e.hExpire('h', 10, { NX: true }, 'FIELDS', 1, names); e.hExpire('h', 10, { FIELDS: [1, 'a'] }); e.hTTL('h', 'FIELDS', 1, 'a');
e.hSetEx('h', { EX: 10 }, 'FIELDS', 1, { a: 1 }); e.hGetEx('h', { EX: 10 }, 'FIELDS', 2, ['a', 'b']); e.hGetDel('h', 'FIELDS', 1, 'a');
e.hRandField('h', 2, 'WITHVALUES'); e.hRandField('h', 2, { WITHVALUES: true }); e.hIncrBy('h', 'f', 1); e.hDel('h', names);
e.hScan('h', 0, { COUNT: 10 }); e.hScan('h', 0, 'MATCH', 'a*');
// lists
e.lPush('l', 'a', 'b'); e.rPush('l', names); e.lPos('l', 'a', { RANK: 1, COUNT: 0 }); e.lPos('l', 'a', 'COUNT', 2); e.lInsert('l', 'BEFORE', 'a', 'b');
e.lMove('a', 'b', 'LEFT', 'RIGHT'); e.lmPop(1, 'l', 'LEFT', 'COUNT', 2); e.lmPop(2, names, 'LEFT', { COUNT: 2 }); e.lRange('l', 0, -1);
e.lRem('l', 0, 'a'); e.lTrim('l', 0, 5);
e.blPop('a', 'b', 0); e.blPop(['a', 'b'], 0); e.blpop(names, 1.5); e.brPop('a', 1); e.blMove('a', 'b', 'LEFT', 'LEFT', 1); e.blmPop(1, 1, 'l', 'LEFT');
e.bzPopMin('z', 1); e.bzPopMax(['a', 'b'], 1);
e.lPop('l', maybe); e.lPop('l', 2);
// sets
e.sAdd('s', 'a', 'b'); e.sAdd('s', names); e.sInter('a', 'b'); e.sInter(names); e.sInterCard(2, 'a', 'b', 'LIMIT', 1);
e.sInterCard(2, names, { LIMIT: 1 }); e.sMove('a', 'b', 'm'); e.smIsMember('s', names); e.sPop('s', 2); e.sRandMember('s', -3);
e.sDiffStore('d', names); e.sScan('s', '0', { MATCH: 'x*', COUNT: 5 });
// zsets
e.zAdd('z', 1, 'a', 2, 'b'); e.zAdd('z', { NX: true, CH: true }, 1, 'a'); e.zAdd('z', 'GT', 1, 'a'); e.zAdd('z', [1, 'a', 2, 'b']);
e.zRange('z', 0, -1, { REV: true, WITHSCORES: true }); e.zRange('z', '(1', '+inf', { BYSCORE: true, LIMIT: [0, 5] }); e.zRange('z', 0, -1, 'REV');
e.zRangeByScore('z', '-inf', Infinity, { LIMIT: [0, 5], WITHSCORES: true }); e.zRangeByLex('z', '-', '+', { LIMIT: [0, 1] });
e.zRangeStore('d', 'z', 0, 1, { REV: true }); e.zUnion(2, 'a', 'b', { WEIGHTS: [1, 2], AGGREGATE: 'MAX', WITHSCORES: true });
e.zUnion(2, names, 'WITHSCORES'); e.zUnionStore('d', 2, names, { WEIGHTS: [1, 2] }); e.zInterStore('d', 2, 'a', 'b');
e.zInterCard(2, 'a', 'b', { LIMIT: 1 }); e.zDiff(2, names, { WITHSCORES: true }); e.zRank('z', 'm', { WITHSCORE: true }); e.zmPop(1, 'z', 'MIN');
e.zPopMin('z'); e.zPopMax('z', 2); e.zmScore('z', names); e.zRandMember('z', 2, 'WITHSCORES'); e.zRem('z', names); e.zCount('z', '-inf', '+inf');
e.zIncrBy('z', 1, 'm'); e.zScan('z', 0);
// geo
e.geoAdd('g', 1, 2, 'a'); e.geoAdd('g', { NX: true }, 1, 2, 'a'); e.geoSearch('g', { FROMMEMBER: 'a' }, { BYRADIUS: [1, 'km'] }, { WITHDIST: true });
e.geoSearch('g', { FROMLONLAT: [1, 2], BYBOX: [1, 2, 'km'], COUNT: [1, 'ANY'], ASC: true });
e.geoSearch('g', 'FROMLONLAT', 1, 2, 'BYRADIUS', 1, 'km', 'ASC'); e.geoDist('g', 'a', 'b', 'km'); e.geoDist('g', 'a', 'b'); e.geoPos('g', names);
e.geoHash('g', 'a'); e.geoRadius('g', 1, 2, 3, 'km', { WITHDIST: true });
e.geoSearchStore('d', 'g', { FROMMEMBER: 'a', BYRADIUS: [1, 'km'], STOREDIST: true });
// streams
e.xAdd('s', '*', { a: 1 }); e.xAdd('s', { MAXLEN: ['~', 100] }, '*', { a: 1 }); e.xAdd('s', 'MAXLEN', '~', 100, '*', 'f', 'v');
e.xAdd('s', { NOMKSTREAM: true }, '*', m); e.xRange('s', '-', '+', { COUNT: 5 }); e.xRevRange('s', '+', '-', 'COUNT', 1); e.xRead('STREAMS', 's', 0);
e.xRead({ COUNT: 1, BLOCK: 5 }, 'STREAMS', 's', '$'); e.xRead({ COUNT: 1, STREAMS: ['a', 'b', 0, 0] });
e.xReadGroup('GROUP', 'g', 'c', { COUNT: 1 }, 'STREAMS', 's', '>'); e.xReadGroup({ GROUP: ['g', 'c'], STREAMS: ['s', '>'] });
e.xGroupCreate('s', 'g', '$', { MKSTREAM: true }); e.xGroupCreate('s', 'g', '$', 'MKSTREAM'); e.xGroup('CREATE', 's', 'g', 0); e.xAck('s', 'g', '1-1');
e.xAck('s', 'g', names); e.xPending('s', 'g'); e.xPending('s', 'g', '-', '+', 10, 'c'); e.xPending('s', 'g', { IDLE: 5 }, '-', '+', 10);
e.xClaim('s', 'g', 'c', 0, '1-1', { JUSTID: true }); e.xClaim('s', 'g', 'c', 0, names); e.xAutoClaim('s', 'g', 'c', 0, '0', { COUNT: 5 });
e.xTrim('s', 'MAXLEN', 5); e.xTrim('s', { MAXLEN: ['~', 5] }); e.xDel('s', names); e.xInfoStream('s', { FULL: true, COUNT: 1 });
e.xInfoStream('s', { FULL: ['COUNT', 1] }); e.xInfoStream('s', 'FULL', 'COUNT', 1); e.xInfoGroups('s'); e.xSetId('s', '5-0', { ENTRIESADDED: 5 });
// others
e.eval('return 1', 0); e.eval('return 1', 2, 'a', 'b', 1, 'x'); e.eval('return 1', 2, names, [1, 'x']); e.evalSha('abc', 1, 'k'); e.fCall('f', 0);
e.functionLoad('#!lua', { REPLACE: true }); e.functionLoad('REPLACE', '#!lua'); e.functionLoad('#!lua'); e.functionList({ WITHCODE: true });
e.functionRestore(new Uint8Array(1), 'FLUSH'); e.functionRestore(new Uint8Array(1), { FLUSH: true }); e.scriptExists(names); e.scriptFlush('ASYNC');
e.configGet('max*'); e.configGet(names); e.configSet('maxmemory', '5mb'); e.configSet({ maxmemory: 5 }); e.clientSetName('x'); e.clientKill({ ID: 5 });
e.clientKill('ID', 5, 'TYPE', 'normal'); e.clientKill('a:1'); e.clientList({ TYPE: 'normal' }); e.clientList('ID', 1, 2); e.clientNoEvict('ON');
e.clientPause(5, 'WRITE'); e.clientTracking('ON', { BCAST: true }); e.clientReply('ON'); e.clientUnblock(1, 'ERROR'); e.aclSetUser('u', 'on', '+@all');
e.aclSetUser('u', ['on', '+@all']); e.aclGetUser('u'); e.aclLog(5); e.aclLog('RESET'); e.aclCat(); e.aclCat('read'); e.aclDelUser(names);
e.aclDryRun('u', 'get', 'k'); e.aclGenPass(); e.memoryUsage('k', { SAMPLES: 0 }); e.memoryUsage('k'); e.slowLogGet(); e.slowLogGet(5);
e.slowLogReset(); e.latencyHistory('command'); e.latencyReset(); e.latencyReset('a', 'b'); e.latencyHistogram('get'); e.commandInfo('get');
e.commandDocs(names); e.commandGetKeys('get', 'k'); e.commandList({ FILTERBY: ['PATTERN', 'x*'] }); e.commandList('FILTERBY', 'PATTERN', 'x*');
e.info(); e.info('memory'); e.info(['memory', 'cpu']); e.ping(); e.ping('x'); e.echo('x'); e.lolwut(); e.lolWut('VERSION', 5); e.publish('c', 'm');
e.pubSubNumSub('a', 'b'); e.pubSubChannels(); e.pubSubChannels('*'); e.pfAdd('p', names); e.pfAdd('p'); e.pfCount('a', 'b'); e.pfMerge('d', names);
e.select(1); e.swapDb(0, 1); e.move('k', 1); e.waitAof(0, 0, 1); e.watch('k', names); e.unwatch(); e.time(); e.role(); e.hello(3); e.auth('u', 'p');
e.scan(0, { MATCH: 'x', COUNT: 5, TYPE: 'hash' }); e.debug('OBJECT', 'k'); e.delEx('k', 'IFEQ', 'v'); e.delEx('k', { IFEQ: 'v' }); e.digest('k');
e.incrEx('k', { BYINT: 5, EX: 10 }); e.clientSetInfo('LIB-NAME', 'x'); e.clientCapa('redirect'); e.clientNoTouch('ON'); e.save(); e.bgSave();
e.bgSave('SCHEDULE'); e.lastSave(); e.shutdown('NOSAVE'); e.client('LIST'); e.config('GET', '*'); e.memory('USAGE', 'k'); e.command();
e.commandCount(); e.functionDump(); e.functionStats(); e.functionFlush('SYNC'); e.functionDelete('x'); e.scriptLoad('x'); e.moduleList();
e.hotkeysGet();
// replies
const one: string | null = e.lPop('l');
const several: string[] | null = e.lPop('l', 2);
const bytes: Uint8Array | null = e.bytes.rPop('l');
const later: string | null = await s.lPop('l');
const members: string[] = e.zRange('z', 0, -1);
const rank: number | null = e.zRank('z', 'm');
const id: string | null = e.xAdd('s', '*', { a: 1 });
for (const [entry, fields] of e.xRange('s', '-', '+') ?? []) { const both: [string, string[]] = [entry, fields]; void both; }
const popped: [string, string] | null = await s.blPop('q', 0);
const [, score] = e.zPopMin('z');
const number: number | undefined = score;
const tuples: [string, number][] = e.zPopMin('z', 2);
const chosen = [e.zRange('z', 0, -1, { REV: true }) as string[], e.zRange('z', 0, -1, { WITHSCORES: true }) as [string, number][]];
const replies: Reply[] = [
  e.zPopMin('z', maybe), e.xRange('s', '-', '+'), e.xReadGroup('x'), e.hGetAll('h'), e.geoPos('g'), e.bytes.xRead('x'), e.xPending('s', 'g'),
  ...(await s.pipeline().hScan('h', 0).lPop('l', 2).zRange('z', 0, -1).zAdd('z', 1, 'a').exec()),
  ...s.engine!.multi().lPop('l').hset('h', { a: 1 }).exec(),
];
export { one, several, bytes, later, members, rank, id, popped, number, tuples, chosen, replies };

// @ts-expect-error a value is missing
e.hset('h', 'f');
// @ts-expect-error no fields
e.hset('h');
// @ts-expect-error an option is no field
e.mset({ a: true });
