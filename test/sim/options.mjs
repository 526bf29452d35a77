// The command line of the simulation.
import { parseArgs } from 'node:util';
import { controls } from './controls.mjs';

/** What a world may have; see profile.ts. */
const features = [
  'crashes',
  'stops',
  'faults',
  'sync',
  'sessions',
  'fallbacks',
  'conflicts',
  'operator',
  'limits',
  'delays',
];

export const help = `Usage: npm run test:sim -- [options]

Runs the delivery core in virtual time against a model of what it promises, seed after seed, then with faults built in.

  --seed N         replay one seed, with its trace
  --seeds A-B      run these seeds (1-500)
  --steps N        turns of a seed before its drain (600)
  --without a,b    leave these out of the worlds: ${features.join(', ')}
  --encrypted      encrypt the store, and change its key now and then
  --control NAME   build that fault in
  --no-controls    leave the negative controls out
  --help           this text`;

/** @param {string[]} args */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1-500' },
      steps: { type: 'string', default: '600' },
      without: { type: 'string', default: '' },
      encrypted: { type: 'boolean', default: false },
      control: { type: 'string' },
      controls: { type: 'boolean', default: true },
      help: { type: 'boolean', default: false },
    },
  });
  const [, first = '', last = first] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(values.seed ?? values.seeds) ?? [];
  if (first === '' || Number(last) < Number(first))
    throw new Error('--seeds must be like 1-500, --seed a whole number');
  if (!/^\d{1,7}$/.test(values.steps)) throw new Error('--steps must be a whole number');
  const without = values.without.split(',').filter((name) => name !== '');
  if (!without.every((name) => features.includes(name)))
    throw new Error(`--without must be among ${features.join(', ')}`);
  if (values.control !== undefined && !controls[values.control]) {
    throw new Error(`--control must be one of ${Object.keys(controls).join(', ')}`);
  }
  return {
    first: Number(first),
    last: Number(last),
    isReplay: values.seed !== undefined,
    steps: Number(values.steps),
    without,
    encrypted: values.encrypted,
    control: values.control,
    controls: values.controls && values.control === undefined && values.seed === undefined,
    help: values.help,
  };
}
