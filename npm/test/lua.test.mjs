/** Lua in WebAssembly: scripts that want to run, grow or nest without end do not take the engine with them. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Engine } from 'redstart';
import { repository } from './where.mjs';

const folder = `${repository}tests/lua/hostile/`;
const hostile = readdirSync(folder).sort().map((name) => ({
  name,
  // `print` is for interpreters: what it would show is thrown away here.
  source: `local print = function() end ${readFileSync(folder + name, 'latin1')}`,
}));

/** What a connection got since it was last asked. */
function ear(connection) {
  let heard = '';
  connection.onData((bytes) => (heard += Buffer.from(bytes).toString('latin1')));
  return () => {
    const all = heard;
    heard = '';
    return all;
  };
}

function say(connection, ...words) {
  const parts = words.map((word) => Buffer.from(word, 'latin1'));
  connection.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])]));
}

test('hostile scripts are outlived', async () => {
  assert.ok(hostile.length > 30);
  let time = 1_767_268_800_000;
  const engine = await Engine.open({ clock: { now: () => time, mono: () => time } });
  const pass = (ms) => {
    time += ms;
    engine.tick();
  };
  const [author, other] = [engine.connect(), engine.connect()];
  const [told, answer] = [ear(author), ear(other)];
  for (const { name, source } of hostile) {
    say(author, 'EVAL', source, '0');
    for (let slice = 0; slice < 5; slice++) pass(1);
    const done = told();
    // Busy from now on, if it is not done.
    pass(6000);
    say(other, 'PING');
    const ping = answer();
    if (done === '' && ping.startsWith('-BUSY')) {
      say(other, 'SCRIPT', 'KILL');
      pass(1);
      assert.equal(answer(), '+OK\r\n', name);
      assert.match(told(), /^-ERR Error running script/, name);
      say(other, 'PING');
      assert.equal(answer(), '+PONG\r\n', name);
    } else {
      assert.equal(ping, '+PONG\r\n', name);
    }
    told();
    say(author, 'PING');
    assert.equal(told(), '+PONG\r\n', name);
  }
  // Who waits for the reply cannot be told to kill anything: such a script has a limit.
  assert.throws(() => engine.eval('while true do end', 0), /took too many instructions/);
  assert.equal(engine.ping(), 'PONG');
  engine.free();
});
