// The part of the command line that all benchmarks share.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const builtCli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/**
 * @typedef {object} Entrant
 * @property {string} name
 * @property {string} target Of the programs.
 * @property {import('./scenarios.mjs').Scenario} scenario
 */

/** @typedef {{ name: string, about: string, entrants: Entrant[] }} Plan One table; the first entrant is what the others are compared with. */

/**
 * @typedef {object} Options
 * @property {Plan[]} plans
 * @property {string[]} targets
 * @property {string | undefined} [profile]
 * @property {boolean} json
 * @property {boolean} markdown
 * @property {string} cli
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmUpSeconds
 * @property {number} halfLoadRounds
 */

/** @param {{ script: string, does: string, quick: string, options: string[] }} bench */
export function usageOf({ script, does, quick, options }) {
  return `Usage: npm run ${script} -- [options]

${does}

  --quick              shorter rounds, fewer of them (${quick})
${options.map((line) => `  ${line}`).join('\n')}
  --rounds <n>         rounds of every target, in turn (24; quick 5)
  --seconds <s>        measured seconds of a round (0.5; quick 0.4)
  --cli <file>         the built command to measure (dist/cli/main.js)
  --json               print the result as JSON
  --markdown           print the result as the README's table
  --help`;
}

/**
 * What all have in common, and the values of the options of one.
 * @param {string[]} args @param {Record<string, { type: 'string', default?: string }>} own
 * @throws TypeError for what it does not know.
 */
export function readCommon(args, own) {
  const { values } = parseArgs({
    args,
    options: {
      ...own,
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      cli: { type: 'string', default: builtCli },
    },
  });
  const { quick, json, markdown } = values;
  return {
    help: values.help,
    values,
    options: {
      json,
      markdown,
      cli: resolve(values.cli),
      rounds: positive('--rounds', values.rounds ?? (quick ? '5' : '24')),
      seconds: positive('--seconds', values.seconds ?? (quick ? '0.4' : '0.5')),
      warmUpSeconds: quick ? 0.5 : 2,
      halfLoadRounds: quick ? 1 : 4,
    },
  };
}

/** @param {string} option @param {string} text @param {string[]} known */
export function listed(option, text, known) {
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
