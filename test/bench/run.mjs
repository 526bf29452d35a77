// `npm run bench`: the bus beside a bare relay, in turns, on a core of its own, as ratios.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { compare } from './comparison.mjs';
import { envelopeBytes } from './envelopes.mjs';
import { readOptions } from './options.mjs';
import { pinning, startLoad, startServer } from './processes.mjs';
import { profile } from './profile.mjs';
import { doubtsOf, renderComparison } from './report.mjs';

/** @param {import('./options.mjs').Options} options @param {(() => Promise<unknown>)[]} cleanups */
async function runAll(options, cleanups) {
  const started = performance.now();
  const load = startLoad();
  cleanups.push(load.stop);
  const servers = [];
  for (const name of options.targets) {
    const server = await startServer(name, options);
    cleanups.push(server.stop);
    servers.push(server);
  }
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    pinned: pinning.server !== undefined,
  };
  if (!options.json) {
    console.log(
      `Node ${machine.node}, ${machine.cores} x ${machine.cpu}, ${envelopeBytes}-byte envelopes, ${options.rounds} rounds of ${options.seconds} s each in turn\n`,
    );
  }
  const comparisons = [];
  for (const scenario of options.scenarios) {
    const comparison = await compare({ scenario, servers, load, options });
    comparisons.push(comparison);
    if (!options.json) console.log(`${renderComparison(comparison)}\n`);
  }
  const doubts = doubtsOf(comparisons);
  const seconds = (performance.now() - started) / 1000;
  if (options.json)
    console.log(JSON.stringify({ machine, envelopeBytes, seconds, doubts, scenarios: comparisons }, undefined, 2));
  else console.log([...doubts, `Every message arrived once and unchanged. ${seconds.toFixed(0)} s.`].join('\n'));
}

/** Rejects when the user gives up, so that servers that are held still do not outlive the run. */
function interrupted() {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
}

/** @param {string[]} args */
async function main(args) {
  const options = readOptions(args);
  if (typeof options === 'string') return console.log(options);
  const needed = options.profile ? [options.profile] : options.targets;
  if (needed.some((name) => name === 'memory' || name === 'lmdb') && !existsSync(options.cli)) {
    throw new Error(`${options.cli} does not exist: run \`npm run build\` first`);
  }
  /** @type {(() => Promise<unknown>)[]} */
  const cleanups = [];
  try {
    const work = options.profile ? profile(options.profile, options) : runAll(options, cleanups);
    await Promise.race([work, interrupted()]);
  } finally {
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
