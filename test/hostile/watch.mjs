// The verdict on a server that was attacked: it runs, it answers in time, its log is clean, its memory is flat.
import { canariesInLog } from './canary.mjs';

/**
 * @typedef {object} Limits
 * @property {number} delayMs How long the event loop may stand still.
 * @property {number} liveBytes By how much the memory that outlives a collection may grow.
 * @property {number} peakBytes How much memory the process may have at any time, garbage and all.
 */

const mebibyte = 1024 * 1024;
/** @type {Limits} */
export const usualLimits = { delayMs: 250, liveBytes: 32 * mebibyte, peakBytes: 512 * mebibyte };
/** With documents of 16 MiB, which are kept until they are forgotten. @type {Limits} */
export const largeLimits = { delayMs: 16 * 250, liveBytes: 512 * mebibyte, peakBytes: 1024 * mebibyte };

/** @typedef {import('./server-process.mjs').Server} Server */

/**
 * @param {Server} server After the attack, before it is stopped. @param {Limits} limits @param {{ live: { before: number, after: number }, quietUntil: number, groups: readonly { name: string, from: number }[] }} seen
 * @returns {{ violations: string[], summary: string }}
 */
export function judgeServer(server, limits, { live, quietUntil, groups }) {
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
  if (live.after > live.before + limits.liveBytes) {
    violations.push(`live memory grew from ${mebibytes(live.before)} to ${mebibytes(live.after)} under attack`);
  }
  const peak = Math.max(0, ...attack.map(({ memory }) => memory));
  if (peak > limits.peakBytes) violations.push(`memory rose to ${mebibytes(peak)} under attack`);
  violations.push(...faultsInLog(server.log()));
  const summary =
    `server: longest stop of the event loop ${longest.toFixed(0)} ms, ` +
    `live memory ${mebibytes(live.before)} before the attack, ${mebibytes(live.after)} after it, at most ${mebibytes(peak)} in all`;
  return { violations, summary };
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
const mebibytes = (bytes) => `${(bytes / mebibyte).toFixed(0)} MiB`;
