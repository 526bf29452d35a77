// Where a server's time goes: runs it under --cpu-prof and sums the self time of each function.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAlone } from './comparison.mjs';
import { startLoad, startServer } from './processes.mjs';

const seconds = 10;
const shown = 25;
const notWork = new Set(['(idle)', '(root)']);

/**
 * Prints one table a scenario.
 * @param {string} name Of the target. @param {import('./options.mjs').Options} options
 */
export async function profile(name, { cli, plans, json }) {
  for (const { scenario } of plans.flatMap(({ entrants }) => entrants.slice(0, 1))) {
    const directory = await mkdtemp(join(tmpdir(), 'agent-bus-bench-profile-'));
    const nodeArgs = ['--cpu-prof', '--cpu-prof-dir', directory, '--cpu-prof-interval', '500'];
    const load = startLoad();
    try {
      const server = await startServer(name, { cli, nodeArgs });
      let result;
      try {
        result = await runAlone({ server, scenario, load, seconds });
      } finally {
        await server.stop();
      }
      const file = (await readdir(directory)).find((entry) => entry.endsWith('.cpuprofile'));
      if (!file) throw new Error(`${name} left no profile; it has to end by itself on SIGTERM`);
      const top = selfTimes(JSON.parse(await readFile(join(directory, file), 'utf8'))).slice(0, shown);
      if (json)
        console.log(JSON.stringify({ scenario: scenario.name, target: name, perSecond: result.perSecond, top }));
      else
        console.log(
          render(`${scenario.name}, ${name}: ${Math.round(result.perSecond)} msgs/s under the profiler`, top),
        );
    } finally {
      await load.stop();
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/**
 * Self time by function and file, most first, as shares of all but idle time.
 * @param {{ nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[], samples: number[], timeDeltas: number[] }} recorded
 */
export function selfTimes({ nodes, samples, timeDeltas }) {
  const functionOf = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}${url ? `  ${shortUrl(url)}:${lineNumber + 1}` : ''}`,
    ]),
  );
  /** @type {Map<string, number>} */
  const times = new Map();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const name = functionOf.get(id) ?? '(unknown)';
    // A delta is the time since the sample before, so it belongs to what that sample saw.
    const time = timeDeltas[index + 1] ?? 0;
    if (notWork.has(name)) continue;
    total += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times]
    .sort(([, left], [, right]) => right - left)
    .map(([name, time]) => ({ name, ms: time / 1000, share: time / total }));
}

/** @param {string} url */
function shortUrl(url) {
  const path = url.replace('file://', '');
  const at = path.lastIndexOf('node_modules/');
  return at >= 0 ? path.slice(at) : path.replace(`${process.cwd()}/`, '');
}

/** @param {string} title @param {ReturnType<typeof selfTimes>} rows */
function render(title, rows) {
  const lines = rows.map(
    ({ name, ms, share }) => `  ${(share * 100).toFixed(1).padStart(5)}%  ${ms.toFixed(0).padStart(6)} ms  ${name}`,
  );
  return [title, ...lines].join('\n');
}
