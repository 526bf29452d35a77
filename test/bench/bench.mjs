// What every benchmark does: reads its command line, starts the servers and the load, compares, reports, cleans up.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { compare } from './comparison.mjs';
import { envelopeBytes } from './envelopes.mjs';
import { pinning, startLoad, startServer } from './processes.mjs';
import { profile } from './profile.mjs';
import { assertInstalled, programs } from './programs.mjs';
import { doubtsOf, renderComparison, renderMarkdown } from './report.mjs';

/** @param {import('./options.mjs').Options} options @param {(() => Promise<unknown>)[]} cleanups */
async function runAll(options, cleanups) {
  const started = performance.now();
  const load = startLoad();
  cleanups.push(load.stop);
  /** @type {Map<string, import('./processes.mjs').Server>} */
  const servers = new Map();
  for (const name of options.targets) {
    const server = await startServer(name, options);
    cleanups.push(server.stop);
    servers.set(name, server);
  }
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    pinned: pinning.server !== undefined,
  };
  const lines = !options.json && !options.markdown;
  if (lines) {
    console.log(
      `Node ${machine.node}, ${machine.cores} x ${machine.cpu}, ${envelopeBytes}-byte envelopes, ${options.rounds} rounds of ${options.seconds} s each in turn\n`,
    );
  }
  const comparisons = [];
  for (const plan of options.plans) {
    const comparison = await compare({ plan, servers, load, options });
    comparisons.push(comparison);
    if (lines) console.log(`${renderComparison(comparison)}\n`);
  }
  const doubts = doubtsOf(comparisons);
  const seconds = (performance.now() - started) / 1000;
  if (options.json)
    console.log(JSON.stringify({ machine, envelopeBytes, seconds, doubts, scenarios: comparisons }, undefined, 2));
  else {
    if (options.markdown) console.log(`${renderMarkdown(comparisons)}\n`);
    console.log([...doubts, `Every message arrived once and unchanged. ${seconds.toFixed(0)} s.`].join('\n'));
  }
}

/** Rejects when the user gives up, so that servers that are held still do not outlive the run. */
function interrupted() {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
}

/** @param {import('./options.mjs').Options | string} options Text is printed instead. */
async function run(options) {
  if (typeof options === 'string') return console.log(options);
  const needed = options.profile ? [options.profile] : options.targets;
  if (needed.some((name) => programs[name]?.built) && !existsSync(options.cli)) {
    throw new Error(`${options.cli} does not exist: run \`npm run build\` first`);
  }
  await assertInstalled(needed);
  /** @type {(() => Promise<unknown>)[]} */
  const cleanups = [];
  try {
    const work = options.profile ? profile(options.profile, options) : runAll(options, cleanups);
    await Promise.race([work, interrupted()]);
  } finally {
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}

/** Runs with the arguments of this process and sets its exit code. @param {(args: string[]) => import('./options.mjs').Options | string} readOptions */
export async function bench(readOptions) {
  try {
    await run(readOptions(process.argv.slice(2)));
  } catch (error) {
    console.error(`bench failed: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
