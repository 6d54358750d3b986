/** Scripts, functions, and the server itself. */
import assert from 'node:assert/strict';
import { eq, near, now } from './kit.mjs';

export default {
  // Scripts and functions.
  async eval(redis) {
    eq(await redis.eval('return {KEYS[1], ARGV[1], ARGV[2]}', ['k'], ['a', { b: 1 }]), ['k', 'a', { b: 1 }]);
    eq(await redis.eval('return {1, {2, {false, "x"}}, redis.call("set", KEYS[1], "v"), redis.status_reply("FINE")}', ['k'], []), [1, [2, [null, 'x']], 'OK', 'FINE']);
    eq(await redis.eval('return nil', [], []), null);
    eq(await redis.eval('#!lua flags=allow-key-locking\nreturn redis.call("get", KEYS[1])', ['k'], []), 'v');
    await assert.rejects(redis.eval('return redis.error_reply("MY own error")', [], []), /MY own error/);
  },
  async evalRo(redis) {
    await redis.set('k', { a: 1 });
    eq(await redis.evalRo('return redis.call("get", KEYS[1])', ['k'], []), { a: 1 });
    await assert.rejects(redis.evalRo('return redis.call("set", KEYS[1], 1)', ['k'], []), /Write commands are not allowed from read-only scripts/);
  },
  async evalsha(redis) {
    const sha = await redis.scriptLoad('return ARGV[1]');
    eq(await redis.evalsha(sha, [], ['hello']), 'hello');
    await assert.rejects(redis.evalsha('0'.repeat(40), [], []), /NOSCRIPT No matching script/);
  },
  async evalshaRo(redis) {
    const sha = await redis.scriptLoad('return 7');
    eq(await redis.evalshaRo(sha, [], []), 7);
  },
  async createScript(redis) {
    await redis.scriptFlush();
    const script = redis.createScript('return {KEYS[1], ARGV[1]}');
    eq(await script.exec(['k'], ['a']), ['k', 'a']);
    eq(await script.evalsha(['k'], ['b']), ['k', 'b']);
    eq(await script.eval(['k'], ['c']), ['k', 'c']);
    const readonly = redis.createScript('return redis.call("get", KEYS[1])', { readonly: true });
    await redis.set('k', 'v');
    eq([await readonly.exec(['k'], []), await readonly.evalshaRo(['k'], []), await readonly.evalRo(['k'], [])], ['v', 'v', 'v']);
  },
  async scriptLoad(redis) {
    eq(await redis.scriptLoad('return 1'), 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db');
  },
  async scriptExists(redis) {
    const sha = await redis.scriptLoad('return 2');
    eq(await redis.scriptExists(sha, '0'.repeat(40)), [1, 0]);
  },
  async scriptFlush(redis) {
    eq([await redis.scriptFlush(), await redis.scriptFlush({ sync: true }), await redis.scriptFlush({ async: true })], ['OK', 'OK', 'OK']);
  },
  async functions(redis) {
    await redis.functions.flush();
    const code = "#!lua name=lib\nredis.register_function{function_name='echo', callback=function(keys, args) return {keys[1], args[1]} end, flags={'no-writes'}, description='says it again'}";
    eq(await redis.functions.load({ code }), 'lib');
    await assert.rejects(redis.functions.load({ code }), /ERR Library 'lib' already exists/);
    eq(await redis.functions.load({ code, replace: true }), 'lib');
    eq(await redis.functions.call('echo', ['k'], ['a']), ['k', 'a']);
    eq(await redis.functions.callRo('echo', ['k'], ['b']), ['k', 'b']);
    eq(await redis.functions.list({ libraryName: 'l*', withCode: true }), [{ libraryName: 'lib', engine: 'LUA', functions: [{ name: 'echo', description: 'says it again', flags: ['no-writes'] }], libraryCode: code }]);
    eq(await redis.functions.stats(), { engines: { LUA: { librariesCount: 1, functionsCount: 1 } } });
    eq([await redis.functions.delete('lib'), await redis.functions.list()], ['OK', []]);
    eq(await redis.functions.flush(), 'OK');
  },
  // The server.
  async ping(redis) {
    eq([await redis.ping(), await redis.ping(['hello'])], ['PONG', 'hello']);
  },
  async echo(redis) {
    eq(await redis.echo('hello'), 'hello');
  },
  async time(redis) {
    const [seconds, micros] = await redis.time();
    near(seconds, now());
    assert.ok(micros >= 0 && micros < 1e6);
  },
  async dbsize(redis) {
    await redis.mset({ a: 1, b: 2 });
    eq(await redis.dbsize(), 2);
  },
  async flushdb(redis) {
    await redis.set('a', 1);
    eq([await redis.flushdb({ async: true }), await redis.flushdb(), await redis.dbsize()], ['OK', 'OK', 0]);
  },
  async flushall(redis) {
    eq([await redis.flushall(), await redis.flushall([{ async: true }])], ['OK', 'OK']);
  },
  async clientSetinfo(redis) {
    eq([await redis.clientSetinfo('LIB-NAME', 'mine'), await redis.clientSetinfo('LIB-VER', '1.0')], ['OK', 'OK']);
  },
  async exec(redis) {
    eq([await redis.exec(['SET', 'k', '1', 'EX', 60]), await redis.exec(['OBJECT', 'ENCODING', 'k'])], ['OK', 'int']);
    eq(await redis.exec(['BLPOP', 'none', '0.01']), null);
  },
};
