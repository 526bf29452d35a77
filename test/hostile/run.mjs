// `npm run test:hostile`: hostile input of every kind against the built server, on both stores; then servers with known faults.
import { controls } from './controls.mjs';
import { groups, largeGroups } from './groups.mjs';
import { readOptions } from './options.mjs';
import { runSiege } from './siege.mjs';
import { slowFlags } from './slow-cases.mjs';
import { largeLimits, usualLimits } from './watch.mjs';

/** Of each group. */
const shown = 5;
const largestPayload = String(16 * 1024 * 1024);
/** Where requests are logged, what must not be in a log could be; where they are not, the fast lane is open. @type {Record<string, string>} */
const logLevels = { memory: 'debug', lmdb: 'info' };
/** What is settled is soon forgotten, so that memory can be flat. @param {string} store */
const flagsOf = (store) => [
  ...['--log-level', logLevels[store] ?? 'info', '--dedupe-window', '5s', '--retention', '5s'],
  ...slowFlags,
];
/** A client that is busy with documents of 16 MiB answers no ping in time. @param {string} store */
const largeFlagsOf = (store) => ['--log-level', logLevels[store] ?? 'info', '--max-payload', largestPayload];

const replay = 'npm run test:hostile --';

/** @param {import('./options.mjs').Options} options */
async function run({ groups: wanted, stores, control, controls: withControls, ...rest }) {
  const started = performance.now();
  let inputs = 0;
  let violations = 0;
  console.log(`seed ${rest.seed}`);
  const judge = (/** @type {Awaited<ReturnType<typeof runSiege>>} */ result, /** @type {string} */ store) => {
    inputs += result.inputs;
    violations += result.violations.length;
    for (const group of new Set(result.violations.map((one) => one.group))) {
      const all = result.violations.filter((one) => one.group === group);
      for (const { text, where } of all.slice(0, shown)) {
        console.log(`violation (${group}): ${text}`);
        if (where) console.log(`  replay: ${replay} --store ${store} --only ${group} --seed ${rest.seed} ${where}`);
      }
      if (all.length > shown) console.log(`violation (${group}): and ${all.length - shown} more`);
    }
  };
  if (control === undefined) {
    for (const store of stores) {
      const say = (/** @type {string} */ line) => console.log(`${store}: ${line}`);
      const usual = wanted.filter((name) => name in groups);
      if (usual.length > 0) {
        const siege = { ...rest, store, groups: usual, flags: flagsOf(store), limits: usualLimits, good: true };
        judge(await runSiege(siege, say), store);
      }
      const large = wanted.filter((name) => name in largeGroups);
      if (large.length > 0) {
        const siege = { ...rest, store, groups: large, flags: largeFlagsOf(store), limits: largeLimits, good: false };
        judge(await runSiege(siege, say), store);
      }
    }
  }
  const missed = [];
  for (const [name, known] of Object.entries(controls)) {
    if (control === undefined ? !withControls : control !== name) continue;
    if (!(await isFound(name, known, rest))) missed.push(name);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${inputs} inputs, ${violations} violations, ${missed.length} known faults not found, ${seconds} s`);
  return violations === 0 && missed.length === 0;
}

/** @param {string} name @param {import('./controls.mjs').Control} control @param {{ seed: number, quick: boolean, onlyCase: number | undefined }} rest */
async function isFound(name, { says, group, isWhole, finds, fault }, rest) {
  const siege = {
    ...rest,
    limits: usualLimits,
    quick: !isWhole,
    store: 'memory',
    groups: [group],
    flags: flagsOf('memory'),
    fault,
    good: false,
  };
  const { violations } = await runSiege(siege, () => undefined);
  const found = violations.filter(({ text }) => finds.test(text));
  console.log(
    `control ${name} (${says}): ${found.length > 0 ? `found, ${found[0]?.text.split('\n')[0]?.slice(0, 120)}` : 'NOT FOUND'}`,
  );
  return found.length > 0;
}

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') console.log(options);
else process.exitCode = (await run(options)) ? 0 : 1;
