// Runs inside the server under test, beside it: how long its event loop stood still, how much memory it has, and
// how much of that it could not do without.
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const tickMs = 10;
const reportMs = 250;

/** Milliseconds that this thread was ready to run and the system ran another; 0 where it does not tell. */
function waitedForCore() {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** Memory that is no file's: pages of the store's map belong to the system. */
function ownMemory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? process.memoryUsage.rss() / 1024) * 1024;
}

let last = performance.now();
let lastWait = waitedForCore();
let longest = 0;
let reportedAt = last;

const timer = setInterval(() => {
  const now = performance.now();
  const wait = waitedForCore();
  // What other programs took on a shared machine is not this one's doing.
  longest = Math.max(longest, now - last - tickMs - (wait - lastWait));
  last = now;
  lastWait = wait;
  if (now - reportedAt < reportMs) return;
  process.send?.({ delayMs: longest, memory: ownMemory() });
  longest = 0;
  reportedAt = now;
}, tickMs);
timer.unref();

// A heap may hold garbage for as long as nothing needs the room: only what outlives a collection is the server's.
process.on('message', () => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ live: heapUsed + external });
  last = performance.now();
  lastWait = waitedForCore();
});
process.channel?.unref();
