/** Runs the cases and prints what failed; the exit code says whether anything did. */
import { runAll } from './cases.mjs';

export async function main(redstart, name) {
  const { passed, failed } = await runAll(redstart);
  console.log(`${name}: ${passed} passed, ${failed.length} failed`);
  for (const line of failed) console.log(`  ${line}`);
  return failed.length;
}
