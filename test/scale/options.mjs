// The command line of the scale tests.
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.mjs';

const names = scenarios.map(({ name }) => name);

const usage = `Usage: npm run test:scale -- [options]

Connects many agents to the built bus, queues many messages in it and opens many sessions; ends with 1 where a limit is broken.

  --quick               2,000 agents, 100,000 messages, 50,000 settled ones, 1,000 sessions (about two minutes)
  --only <names>        of ${names.join(', ')} (all)
  --agents <n>          connected agents (10000)
  --messages <n>        queued messages of 700 bytes (1000000)
  --settled <n>         settled messages that are purged (200000)
  --pulls <n>           waiting long polls (1000)
  --sessions <n>        sessions of 10 participants (10000)
  --seconds <s>         how long the idle sockets are watched (60; quick 12)
  --cli <file>          the built command (dist/cli/main.js)
  --dir <folder>        where the data goes (${tmpdir()})
  --help`;

/** @typedef {Exclude<ReturnType<typeof readOptions>, string>} Options */

/** The options, or a text to print instead. @param {string[]} args @throws TypeError for what it does not know. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: names.join(',') },
      agents: { type: 'string' },
      messages: { type: 'string' },
      settled: { type: 'string' },
      pulls: { type: 'string' },
      sessions: { type: 'string' },
      seconds: { type: 'string' },
      cli: { type: 'string', default: fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)) },
      dir: { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return usage;
  const { quick } = values;
  const only = values.only.split(',');
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`--only: "${unknown}" is none of ${names.join(', ')}`);
  const size = (
    /** @type {'agents' | 'messages' | 'settled' | 'pulls' | 'sessions' | 'seconds'} */ name,
    full = 0,
    small = 0,
  ) => wholeNumber(name, values[name] ?? String(quick ? small : full));
  return {
    scenarios: scenarios.filter(({ name }) => only.includes(name)),
    agents: size('agents', 10_000, 2_000),
    messages: size('messages', 1_000_000, 100_000),
    settled: size('settled', 200_000, 50_000),
    pulls: size('pulls', 1_000, 1_000),
    sessions: size('sessions', 10_000, 1_000),
    seconds: size('seconds', 60, 12),
    cli: resolve(values.cli),
    dir: resolve(values.dir),
  };
}

/** @param {string} name @param {string} text */
function wholeNumber(name, text) {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new TypeError(`--${name}: "${text}" is not a whole number above 0`);
  return Number(text);
}
