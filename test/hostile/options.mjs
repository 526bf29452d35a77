// The command line of the hostile tests.
import { parseArgs } from 'node:util';
import { controls } from './controls.mjs';
import { groupNames, groups, largeGroups } from './groups.mjs';
import { stores } from './server-process.mjs';

const usage = `Usage: npm run test:hostile -- [options]

Attacks the built server with hostile input while good clients send and receive, and watches both.

  --only <groups>    of ${groupNames.join(', ')}
${Object.entries({ ...groups, ...largeGroups })
  .map(([name, { says }]) => `                     ${name}: ${says}`)
  .join('\n')}
  --store <names>    of ${stores.join(', ')} (both)
  --seed <n>         of what is made up (random)
  --case <n>         only this case of the groups, as a violation names it
  --quick            a tenth of what is made up, and no wait for idle connections
  --control <name>   only this known fault, of ${Object.keys(controls).join(', ')}
  --no-controls      without the known faults
  --help`;

/** @typedef {Exclude<ReturnType<typeof readOptions>, string>} Options */

/** The options, or a text to print instead. @param {string[]} args @throws TypeError for what it does not know. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      only: { type: 'string', default: groupNames.join(',') },
      store: { type: 'string', default: stores.join(',') },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      case: { type: 'string' },
      control: { type: 'string' },
      controls: { type: 'boolean', default: true },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return usage;
  return {
    groups: listed('--only', values.only, groupNames),
    stores: listed('--store', values.store, stores),
    seed: wholeNumber('--seed', values.seed),
    onlyCase: values.case === undefined ? undefined : wholeNumber('--case', values.case),
    control: values.control === undefined ? undefined : listed('--control', values.control, Object.keys(controls))[0],
    controls: values.controls && values.case === undefined,
    quick: values.quick,
  };
}

/** @param {string} option @param {string} text @param {readonly string[]} known */
function listed(option, text, known) {
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`${option}: "${unknown}" is none of ${known.join(', ')}`);
  return [...new Set(names)];
}

/** @param {string} option @param {string} text */
function wholeNumber(option, text) {
  if (!/^\d{1,10}$/.test(text)) throw new TypeError(`${option} must be a whole number, not "${text}"`);
  return Number(text);
}
