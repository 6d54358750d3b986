/** Runs the cases and prints what failed; the exit code says whether anything did. */
import { runAll } from './cases.mjs';
import { runStore } from './store-cases.mjs';

export async function main(redstart, name, worker) {
  const runs = { [name]: runAll(redstart), [`${name}, store`]: runStore(redstart, () => redstart.Store.open()) };
  if (worker) runs[`${name}, store in a worker`] = runStore(redstart, () => redstart.Store.open({ worker }));
  let failures = 0;
  for (const [name, run] of Object.entries(runs)) {
    const { passed, failed } = await run;
    console.log(`${name}: ${passed} passed, ${failed.length} failed`);
    for (const line of failed) console.log(`  ${line}`);
    failures += failed.length;
  }
  return failures;
}
