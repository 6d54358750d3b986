const { test } = require('node:test');
const redstart = require('redstart');

test('the cases through require()', async () => {
  const { runAll } = await import('./cases.mjs');
  const { failed } = await runAll(redstart);
  if (failed.length > 0) throw new Error(failed.join('\n'));
});
