// How slow the machine is right now: limits in seconds mean little on one that others use as well.
import { createHash } from 'node:crypto';

/** What the work takes where nothing else runs, in milliseconds. */
const usualMs = 60;
/** A machine that is slower still is not to excuse anything. */
const slowest = 5;

const document = JSON.stringify(
  Array.from({ length: 2_000 }, (_, id) => ({ id, name: `name ${id}`, text: 'x'.repeat(100) })),
);

/** How many times longer than usual it takes to parse, write and hash; never below 1. */
export function slowness() {
  const started = performance.now();
  for (let round = 0; round < 50; round++) {
    createHash('sha256')
      .update(JSON.stringify(JSON.parse(document)))
      .digest();
  }
  return Math.min(slowest, Math.max(1, (performance.now() - started) / usualMs));
}
