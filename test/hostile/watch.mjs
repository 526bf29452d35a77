// The verdict on a server that was attacked: it runs, it answers in time, its log is clean, its memory is flat.
import { quantile } from '../bench/statistics.mjs';
import { canariesInLog } from './canary.mjs';

/** @typedef {{ delayMs: number, memoryBytes: number }} Limits How long the event loop may stand still, how much memory may grow. */

/** Memory: what a heap may grow by between two collections, which a busy machine puts off. @type {Limits} */
export const usualLimits = { delayMs: 250, memoryBytes: 128 * 1024 * 1024 };
/** With documents of 16 MiB, which are kept until they are forgotten. @type {Limits} */
export const largeLimits = { delayMs: 16 * 250, memoryBytes: 512 * 1024 * 1024 };

/** @typedef {import('./server-process.mjs').Server} Server */

/**
 * @param {Server} server After the attack, before it is stopped. @param {Limits} limits @param {{ quietUntil: number, groups: readonly { name: string, from: number }[] }} times
 * @returns {{ violations: string[], summary: string }}
 */
export function judgeServer(server, limits, { quietUntil, groups }) {
  const violations = [];
  if (server.exit()) violations.push(`the server ${server.exit()}:\n${server.log().slice(-2_000)}`);
  const attack = server.samples.filter(({ at }) => at > quietUntil);
  const longest = Math.max(0, ...attack.map(({ delayMs }) => delayMs));
  if (longest > limits.delayMs) {
    const at = attack.find(({ delayMs }) => delayMs === longest)?.at ?? 0;
    const group = groups.findLast(({ from }) => from <= at);
    violations.push(
      `the event loop stood still for ${longest.toFixed(0)} ms, ${((at - quietUntil) / 1000).toFixed(1)} s into the attack ` +
        `(${group?.name}); allowed are ${limits.delayMs} ms`,
    );
  }
  const memory = memoryOf(attack.map((sample) => sample.memory));
  if (memory.after > memory.before + limits.memoryBytes) {
    violations.push(`memory grew from ${mebibytes(memory.before)} to ${mebibytes(memory.after)} under attack`);
  }
  violations.push(...faultsInLog(server.log()));
  const summary =
    `server: longest stop of the event loop ${longest.toFixed(0)} ms, memory ${mebibytes(memory.before)} early in the attack, ` +
    `${mebibytes(memory.after)} at its end`;
  return { violations, summary };
}

/** Low points, so that garbage does not count: of the second tenth, and of the last. @param {number[]} values */
function memoryOf(values) {
  const low = (/** @type {number[]} */ some) => (some.length > 0 ? quantile(some, 0.1) : 0);
  const tenth = Math.ceil(values.length / 10);
  return { before: low(values.slice(tenth, 3 * tenth)), after: low(values.slice(-tenth)) };
}

/** @param {string} log */
function faultsInLog(log) {
  const violations = canariesInLog(log).map((line) => `a canary in the log: ${line.slice(0, 300)}`);
  for (const line of log.split('\n').filter(Boolean)) {
    const level = levelOf(line);
    if (level === undefined) violations.push(`a line in the log that is no JSON: ${line.slice(0, 300)}`);
    else if (level >= 50) violations.push(`an error in the log: ${line.slice(0, 600)}`);
  }
  return violations.slice(0, 10);
}

/** @param {string} line */
function levelOf(line) {
  try {
    const { level } = JSON.parse(line);
    return typeof level === 'number' ? level : undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} bytes */
const mebibytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
