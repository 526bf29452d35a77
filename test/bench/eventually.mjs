// Waiting for what a server does behind its answers.
import { setTimeout as delay } from 'node:timers/promises';

const limitMs = 10_000;

/** @param {string} what A sentence. @param {() => Promise<boolean>} isSo @throws Error when it is not so within 10 s. */
export async function eventually(what, isSo) {
  for (const deadline = performance.now() + limitMs; !(await isSo()); await delay(5)) {
    if (performance.now() > deadline) throw new Error(`not true after ${limitMs} ms: ${what}`);
  }
}
