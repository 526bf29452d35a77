// What a process holds in memory, as Linux counts it.
import { readFileSync } from 'node:fs';

/**
 * @typedef {object} Memory In bytes.
 * @property {number} anonymous Heap, buffers and stacks: what the process itself needs.
 * @property {number} mapped Pages of files, nearly all of them of the store; the kernel takes them back when it needs them.
 */

/** @param {number} pid @returns {Memory} */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kilobytes = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { anonymous: kilobytes('RssAnon') * 1024, mapped: (kilobytes('RssFile') + kilobytes('RssShmem')) * 1024 };
}

/**
 * The most of each kind of memory that the process had while `work` was done, at ten looks a second.
 * @template T @param {number} pid @param {() => Promise<T>} work @returns {Promise<{ peak: Memory, result: T }>}
 */
export async function watchMemory(pid, work) {
  const peak = memoryOf(pid);
  const look = () => {
    const { anonymous, mapped } = memoryOf(pid);
    peak.anonymous = Math.max(peak.anonymous, anonymous);
    peak.mapped = Math.max(peak.mapped, mapped);
  };
  const timer = setInterval(look, 100);
  try {
    const result = await work();
    look();
    return { peak, result };
  } finally {
    clearInterval(timer);
  }
}
