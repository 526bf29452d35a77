// `npm run test:sim`: many seeds, which must be clean, and the controls, which must not be.
import { createHash } from 'node:crypto';
import { controls } from './controls.mjs';
import { help, readOptions } from './options.mjs';
import { distribute } from './pool.mjs';
import { choiceOf, loadRun, seedsPerControl } from './trial.mjs';

const progressEvery = 100;

const options = readOptions(process.argv.slice(2));
if (options.help) console.log(help);
else process.exitCode = (await main()) ? 0 : 1;

async function main() {
  if (options.isReplay) return replay();
  const good = await runSeeds();
  return options.controls ? (await runControls()) && good : good;
}

async function replay() {
  const run = await loadRun(options.control);
  const { violations, trace } = await run(choiceOf(options, options.first));
  for (const line of trace) console.log(line);
  const digest = createHash('sha256').update(trace.join('\n')).digest('hex').slice(0, 16);
  console.log(`seed ${options.first}: ${violations.length} violations, trace ${digest}`);
  return violations.length === 0;
}

async function runSeeds() {
  const began = performance.now();
  const count = options.last - options.first + 1;
  const total = { accepted: 0, repeats: 0, redeliveries: 0, crashes: 0 };
  let [broken, done] = [0, 0];
  const jobs = Array.from({ length: count }, (_, index) => ({ seed: options.first + index }));
  await distribute(jobs, ({ figures, violations, explanation }) => {
    for (const name of Object.keys(total)) total[name] += figures[name];
    broken += violations;
    if (explanation !== undefined) console.log(explanation);
    if (++done % progressEvery === 0) console.log(`${done} seeds, ${seconds(began)} s`);
  });
  const { accepted, repeats, redeliveries, crashes } = total;
  console.log(
    `${count} seeds, ${broken} violations, ${accepted} messages, ${crashes} crashes, ` +
      `${redeliveries} redeliveries, ${repeats} repeats recognised, ${seconds(began)} s`,
  );
  return broken === 0;
}

async function runControls() {
  let missed = 0;
  const names = Object.keys(controls);
  const jobs = names.map((control) => ({ control }));
  await distribute(jobs, ({ control, found }) => {
    if (found === undefined) missed++;
    const outcome = found ?? `NOT FOUND in ${seedsPerControl} seeds`;
    console.log(`control ${control} (${controls[control].says}): ${outcome}`);
  });
  console.log(`${names.length} controls, ${names.length - missed} found`);
  return missed === 0;
}

function seconds(began) {
  return ((performance.now() - began) / 1_000).toFixed(1);
}
