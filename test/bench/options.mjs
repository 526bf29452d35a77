// The command line of the benchmark.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { targetNames } from './processes.mjs';
import { scenarios } from './scenarios.mjs';

const usage = `Usage: npm run bench -- [options]

Sends envelopes through the bus and through a bare relay in turn and prints the bus's rate as a share of the relay's.

  --quick              shorter rounds, fewer of them (about 25 s)
  --scenario <names>   of ${scenarios.map(({ name }) => name).join(', ')} (${standard().join(', ')})
  --targets <names>    of ${targetNames.join(', ')} (yardstick,memory,lmdb); the first is what the others are compared with;
                       control is a second yardstick and shows the noise, corked one that writes once a turn
  --rounds <n>         rounds of every target, in turn (24; quick 5)
  --seconds <s>        measured seconds of a round (0.5; quick 0.4)
  --cli <file>         the built command to measure (dist/cli/main.js)
  --profile <target>   run this target alone for 10 s a scenario under --cpu-prof and print where its time went
  --json               print the result as JSON
  --help`;

function standard() {
  return scenarios.filter((scenario) => scenario.standard).map(({ name }) => name);
}

/** @typedef {Exclude<ReturnType<typeof readOptions>, string>} Options */

/** The options, or a text to print instead. @param {string[]} args @throws TypeError for what it does not know. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      scenario: { type: 'string', default: standard().join(',') },
      targets: { type: 'string', default: 'yardstick,memory,lmdb' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      profile: { type: 'string' },
      cli: { type: 'string', default: fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)) },
    },
  });
  if (values.help) return usage;
  const { quick, json } = values;
  const scenarioNames = scenarios.map(({ name }) => name);
  const chosen = listed('--scenario', values.scenario, scenarioNames);
  return {
    json,
    cli: resolve(values.cli),
    scenarios: scenarios.filter(({ name }) => chosen.includes(name)),
    targets: listed('--targets', values.targets, targetNames),
    profile: values.profile === undefined ? undefined : listed('--profile', values.profile, targetNames)[0],
    rounds: positive('--rounds', values.rounds ?? (quick ? '5' : '24')),
    seconds: positive('--seconds', values.seconds ?? (quick ? '0.4' : '0.5')),
    warmUpSeconds: quick ? 0.5 : 2,
    halfLoadRounds: quick ? 1 : 4,
  };
}

/** @param {string} option @param {string} text @param {string[]} known */
function listed(option, text, known) {
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`${option}: "${unknown}" is none of ${known.join(', ')}`);
  return [...new Set(names)];
}

/** @param {string} option @param {string} text */
function positive(option, text) {
  const number = Number(text);
  if (!(number > 0 && number <= 1000)) throw new TypeError(`${option}: "${text}" is not a number from 0 to 1000`);
  return number;
}
