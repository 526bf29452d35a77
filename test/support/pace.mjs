// How slow the machine is right now: limits in seconds mean little on one that others use as well.
import { createHash } from 'node:crypto';

/**
 * What the work takes on the machine on which the limits were set, in milliseconds. Not measured there but worked out: the
 * yardstick of `npm run bench` makes 40,000 posts a second on it, and 15,000 on one where the work takes 160 ms.
 */
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
