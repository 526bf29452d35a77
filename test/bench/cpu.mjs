// CPU time, so that a result says who was the bottleneck and whether something else was on the server's core.
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever the kernel's own tick. */
const microsecondsPerTick = 10_000;

/** What a process and all its threads have used, in microseconds; undefined where there is no /proc. @param {number} pid */
export function processCpu(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in the second field may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
  } catch {
    return undefined;
  }
}

/** What everything together has used of one core, in microseconds; undefined where there is no /proc. @param {number} core */
export function coreCpu(core) {
  try {
    const line = readFileSync('/proc/stat', 'latin1').match(new RegExp(`^cpu${core} (.*)$`, 'm'));
    const fields = line?.[1]?.split(' ').map(Number) ?? [];
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
    return (user + nice + system + irq + softirq + steal) * microsecondsPerTick;
  } catch {
    return undefined;
  }
}

/** The most memory that a process ever held, in MiB. @param {number} pid */
export function peakMemory(pid) {
  try {
    const line = readFileSync(`/proc/${pid}/status`, 'latin1').match(/^VmHWM:\s+(\d+) kB$/m);
    return line ? Number(line[1]) / 1024 : undefined;
  } catch {
    return undefined;
  }
}
