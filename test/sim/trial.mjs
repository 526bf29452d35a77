// What is done with one seed, and with one control.
import { register } from 'node:module';
import { controls } from './controls.mjs';
import { shrink } from './shrink.mjs';

/** A control must be found within so many seeds. */
export const seedsPerControl = 40;

const replacements = Object.fromEntries(Object.entries(controls).map(([name, one]) => [name, one.replacements]));
let isRegistered = false;

/** The simulation, on the sources as they are or with a fault built in. */
export async function loadRun(control) {
  if (!isRegistered) register('./load-typescript.mjs', import.meta.url, { data: { controls: replacements } });
  isRegistered = true;
  return (await import(control === undefined ? './run.ts' : `./run.ts?control=${control}`)).run;
}

/** What a run of this seed is asked for. */
export function choiceOf({ steps, without, encrypted, control }, seed) {
  return { seed, steps, without, encrypted: encrypted || controls[control]?.encrypted === true };
}

/** The seed with the fault of the options, if any. */
export async function trySeed(options, seed) {
  const run = await loadRun(options.control);
  const { violations, figures } = await run(choiceOf(options, seed));
  const explanation = violations.length > 0 ? await explain(run, options, seed) : undefined;
  return { seed, figures, violations: violations.length, explanation };
}

/** Seed after seed until the fault shows. */
export async function seekControl(options, control) {
  const run = await loadRun(control);
  for (let seed = 1; seed <= seedsPerControl; seed++) {
    const { violations } = await run(choiceOf({ ...options, control }, seed));
    const first = violations.find(({ invariant }) => controls[control].finds.includes(invariant));
    if (first) return { control, found: `found at seed ${seed}: ${first.invariant} ${first.id} ${first.text}` };
  }
  return { control };
}

/** The smallest run that still fails, and how to see it again. */
async function explain(run, options, seed) {
  const { outcome, steps, without } = await shrink(run, choiceOf(options, seed));
  const ids = new Set(outcome.violations.flatMap(({ id }) => id));
  const about = outcome.trace.filter(
    (line) => /the server|a flush|VIOLATION/.test(line) || [...ids].some((id) => line.includes(id)),
  );
  const more = without.length > 0 ? ` --without ${without.join(',')}` : '';
  const fault =
    (options.control === undefined ? '' : ` --control ${options.control}`) + (options.encrypted ? ' --encrypted' : '');
  return [
    `\nseed ${seed} breaks a promise; what concerns ${[...ids].join(', ')}:`,
    ...about.slice(-60),
    `replay with: npm run test:sim -- --seed ${seed} --steps ${steps}${more}${fault}\n`,
  ].join('\n');
}
