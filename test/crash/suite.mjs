// A suite: the cycles, which must be clean, and the controls, which must not be.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCycles } from './cycles.mjs';
import { install } from './installation.mjs';
import { renderRestarts, renderSummary, renderViolations } from './summary.mjs';

/** @typedef {import('./controls.mjs').Control} Control */

/**
 * @typedef {object} Suite
 * @property {string} name The npm script.
 * @property {Record<string, Control>} controls
 * @property {(folder: string) => Promise<{ ground: import('./cycles.mjs').Ground, release: () => Promise<void> }>} prepare
 *   Makes the ground of one run, in a folder of its own.
 */

const controlCycles = 3;
const controlRounds = 5;

/** @param {Suite} suite @param {ReturnType<typeof import('./options.mjs').readOptions>} options @returns whether all is as it should be */
export async function runSuite(suite, options) {
  const folder = await mkdtemp(join(options.dir, 'agent-bus-crash-'));
  let good = true;
  if (options.control === undefined) good = await runClean(suite, folder, options);
  for (const [name, control] of Object.entries(suite.controls)) {
    const wanted = options.control === undefined ? options.controls : options.control === name;
    if (wanted && !(await runControl(suite, name, control, folder, options))) good = false;
  }
  if (good) await rm(folder, { recursive: true, force: true });
  else console.log(`\nkept: ${folder}`);
  return good;
}

/** @param {Suite} suite @param {string} folder @param {{ cycles: number, seed: number, encrypted: boolean, dist: string | undefined }} options */
async function runClean(suite, folder, { cycles, seed, encrypted, dist }) {
  const started = performance.now();
  const replay = `npm run ${suite.name} -- --cycles ${cycles} --seed ${seed} --no-controls${encrypted ? ' --encrypted' : ''}`;
  console.log(`${cycles} cycles, seed ${seed}`);
  const main = await install(join(folder, 'installation'), [], dist);
  const { ground, release } = await suite.prepare(join(folder, 'run'));
  try {
    const { violations, summary, restarts } = await runCycles({
      main,
      folder: join(folder, 'run'),
      cycles,
      seed,
      ground,
      encrypted,
    });
    console.log(`${renderSummary(summary)}\n${renderRestarts(restarts)}`);
    console.log(`${cycles} cycles, ${violations.length} violations, ${seconds(started)}`);
    if (violations.length > 0) console.log(`${renderViolations(violations)}\nreplay: ${replay}`);
    return violations.length === 0;
  } catch (error) {
    console.log(`${error instanceof Error ? error.message : error}\nreplay: ${replay}`);
    return false;
  } finally {
    await release();
  }
}

/**
 * @param {Suite} suite @param {string} name @param {Control} control @param {string} folder
 * @param {{ seed: number, encrypted: boolean, dist: string | undefined }} options
 */
async function runControl(suite, name, control, folder, { seed, encrypted, dist }) {
  const started = performance.now();
  const main = await install(join(folder, `installation-${name}`), control.replacements, dist);
  for (let round = 1; round <= controlRounds; round++) {
    const place = join(folder, `${name}-${round}`);
    const { ground, release } = await suite.prepare(place);
    try {
      const run = { main, folder: place, cycles: controlCycles, seed: seed + round, ground, encrypted, control: true };
      const found = (await runCycles(run)).violations.filter(({ invariant }) => control.finds.includes(invariant));
      if (found.length === 0) continue;
      const kinds = [...new Set(found.map(({ invariant }) => invariant))].sort().join(', ');
      console.log(
        `control ${name} (${control.says}): found within ${round * controlCycles} cycles, ${found.length} violations of ${kinds}, ${seconds(started)}`,
      );
      return true;
    } finally {
      await release();
    }
  }
  console.log(`control ${name} (${control.says}): NOT FOUND in ${controlRounds * controlCycles} cycles`);
  return false;
}

/** @param {number} since */
function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(0)} s`;
}
