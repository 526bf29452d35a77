// `npm run test:sim`: many seeds, which must be clean, and the controls, which must not be.
import { createHash } from 'node:crypto';
import { register } from 'node:module';
import { controls } from './controls.mjs';
import { help, readOptions } from './options.mjs';
import { shrink } from './shrink.mjs';

/** A control must be found within so many seeds. */
const seedsPerControl = 40;
const progressEvery = 100;

const options = readOptions(process.argv.slice(2));
const choice = (seed) => ({
  seed,
  steps: options.steps,
  without: options.without,
  encrypted: options.encrypted || controls[options.control]?.encrypted === true,
});
if (options.help) console.log(help);
else process.exitCode = (await main()) ? 0 : 1;

async function main() {
  const replacements = Object.fromEntries(Object.entries(controls).map(([name, one]) => [name, one.replacements]));
  register('./load-typescript.mjs', import.meta.url, { data: { controls: replacements } });
  const { run } = await load(options.control);
  if (options.isReplay) return replay(run);
  const good = await runSeeds(run);
  return options.controls ? (await runControls()) && good : good;
}

/** The simulation, on the sources as they are or with a fault built in. */
function load(control) {
  return import(control === undefined ? './run.ts' : `./run.ts?control=${control}`);
}

async function replay(run) {
  const { violations, trace } = await run(choice(options.first));
  for (const line of trace) console.log(line);
  const digest = createHash('sha256').update(trace.join('\n')).digest('hex').slice(0, 16);
  console.log(`seed ${options.first}: ${violations.length} violations, trace ${digest}`);
  return violations.length === 0;
}

async function runSeeds(run) {
  const began = performance.now();
  const total = { accepted: 0, repeats: 0, redeliveries: 0, crashes: 0 };
  let broken = 0;
  for (let seed = options.first; seed <= options.last; seed++) {
    const { violations, figures } = await run(choice(seed));
    for (const name of Object.keys(total)) total[name] += figures[name];
    if (violations.length > 0) {
      broken += violations.length;
      await explain(run, seed);
    }
    const done = seed - options.first + 1;
    if (done % progressEvery === 0) console.log(`${done} seeds, ${seconds(began)} s`);
  }
  const { accepted, repeats, redeliveries, crashes } = total;
  console.log(
    `${options.last - options.first + 1} seeds, ${broken} violations, ${accepted} messages, ${crashes} crashes, ` +
      `${redeliveries} redeliveries, ${repeats} repeats recognised, ${seconds(began)} s`,
  );
  return broken === 0;
}

/** The smallest run that still fails, and how to see it again. */
async function explain(run, seed) {
  const { outcome, steps, without } = await shrink(run, choice(seed));
  const ids = new Set(outcome.violations.flatMap(({ id }) => id));
  const about = outcome.trace.filter(
    (line) => /the server|a flush|VIOLATION/.test(line) || [...ids].some((id) => line.includes(id)),
  );
  console.log(`\nseed ${seed} breaks a promise; what concerns ${[...ids].join(', ')}:`);
  for (const line of about.slice(-60)) console.log(line);
  const more = without.length > 0 ? ` --without ${without.join(',')}` : '';
  const fault =
    (options.control === undefined ? '' : ` --control ${options.control}`) + (options.encrypted ? ' --encrypted' : '');
  console.log(`replay with: npm run test:sim -- --seed ${seed} --steps ${steps}${more}${fault}\n`);
}

async function runControls() {
  let missed = 0;
  for (const [name, { says, finds, encrypted = options.encrypted }] of Object.entries(controls)) {
    const { run } = await load(name);
    let found;
    let seed = 1;
    for (; seed <= seedsPerControl && !found; seed++) {
      const { violations } = await run({ ...choice(seed), encrypted });
      found = violations.find(({ invariant }) => finds.includes(invariant));
    }
    if (found)
      console.log(`control ${name} (${says}): found at seed ${seed - 1}: ${found.invariant} ${found.id} ${found.text}`);
    else {
      missed++;
      console.log(`control ${name} (${says}): NOT FOUND in ${seedsPerControl} seeds`);
    }
  }
  const count = Object.keys(controls).length;
  console.log(`${count} controls, ${count - missed} found`);
  return missed === 0;
}

function seconds(began) {
  return ((performance.now() - began) / 1_000).toFixed(1);
}
