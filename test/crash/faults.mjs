// `npm run test:faults`: writes and flushes that fail, and a disk that is full. Nothing may be confirmed that is not on disk.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faultControls } from './controls.mjs';
import { allFaults, failWrites, sampleFaults } from './failing-writes.mjs';
import { fillDisk } from './full-disk.mjs';
import { install } from './installation.mjs';
import { readOptions } from './options.mjs';
import { rerunWithPrivateMounts } from './private-mounts.mjs';
import { createRandom } from './random.mjs';
import { describeFault, straceObstacle } from './strace.mjs';
import { renderViolations } from './summary.mjs';

const controlTries = 3;

/** @typedef {{ faults: string[], seen: string, violations: import('./checker.mjs').Violation[] }} Verdict */

/** @param {string} name @param {() => Promise<Verdict>} attempt @returns whether all was well */
async function judge(name, attempt) {
  try {
    const { faults, seen, violations } = await attempt();
    const good = faults.length === 0 && violations.length === 0;
    console.log(`${good ? 'ok' : 'FAILED'}  ${name}: ${[seen, ...faults].join('; ')}`);
    if (violations.length > 0) console.log(renderViolations(violations));
    return good;
  } catch (error) {
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** @param {string} folder @param {ReturnType<typeof readOptions>} options */
async function runTrials(folder, { cycles, seed, encrypted, dist }) {
  const main = await install(join(folder, 'installation'), [], dist);
  const random = createRandom(seed);
  let failures = 0;
  for (const [number, fault] of sampleFaults(random, cycles).entries()) {
    const place = join(folder, `fault-${number + 1}`);
    if (!(await judge(describeFault(fault), () => failWrites({ main, folder: place, seed, encrypted, fault }))))
      failures++;
  }
  for (const reserve of [true, false]) {
    const place = join(folder, reserve ? 'full-with-reserve' : 'full');
    const name = `full disk ${reserve ? 'with' : 'without'} a reserve`;
    if (!(await judge(name, () => fillDisk({ main, folder: place, seed, encrypted, reserve })))) failures++;
  }
  console.log(`${cycles + 2} trials, seed ${seed}, ${failures} failed`);
  const more = encrypted ? ' --encrypted' : '';
  if (failures > 0)
    console.log(`replay: npm run test:faults -- --cycles ${cycles} --seed ${seed} --no-controls${more}`);
  return failures === 0;
}

/** @param {string} name @param {import('./controls.mjs').Control} control @param {string} folder @param {ReturnType<typeof readOptions>} options */
async function runControl(name, { says, finds, replacements }, folder, { seed, encrypted, dist }) {
  const main = await install(join(folder, `installation-${name}`), replacements, dist);
  for (let attempt = 1; attempt <= controlTries; attempt++) {
    const fault = { file: 'journal/00000001.log', call: 'pwrite64', error: 'EIO', when: 5, sticky: true };
    const place = join(folder, `${name}-${attempt}`);
    const { violations } = await failWrites({
      main,
      folder: place,
      seed: seed + attempt,
      encrypted,
      fault,
      control: true,
    });
    const found = violations.filter(({ invariant }) => finds.includes(invariant));
    if (found.length === 0) continue;
    console.log(`control ${name} (${says}): found, ${found.length} violations of ${finds.join(', ')}`);
    return true;
  }
  console.log(`control ${name} (${says}): NOT FOUND in ${controlTries} trials`);
  return false;
}

async function main() {
  const options = readOptions(process.argv.slice(2), { cycles: allFaults, controls: Object.keys(faultControls) });
  const reason = straceObstacle();
  if (reason) {
    console.log(`test:faults was skipped: ${reason}`);
    // Where nobody reads that, it must not look like a success.
    return process.env.CI === 'true' ? 1 : 0;
  }
  const outside = rerunWithPrivateMounts(fileURLToPath(import.meta.url));
  if (outside !== undefined) return outside;
  const folder = await mkdtemp(join(options.dir, 'agent-bus-faults-'));
  let good = options.control !== undefined || (await runTrials(folder, options));
  for (const [name, control] of Object.entries(faultControls)) {
    const wanted = options.control === undefined ? options.controls : options.control === name;
    if (wanted && !(await runControl(name, control, folder, options))) good = false;
  }
  if (good) await rm(folder, { recursive: true, force: true });
  else console.log(`\nkept: ${folder}`);
  return good ? 0 : 1;
}

process.exitCode = await main();
