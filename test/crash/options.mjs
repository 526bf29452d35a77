// The command line of the crash tests.
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

/**
 * @param {string[]} args @param {{ cycles: number, controls: readonly string[] }} defaults
 * @returns {{ cycles: number, seed: number, dir: string, control: string | undefined, controls: boolean, encrypted: boolean, dist: string | undefined }}
 */
export function readOptions(args, { cycles, controls }) {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      cycles: { type: 'string', default: String(cycles) },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      dir: { type: 'string', default: tmpdir() },
      control: { type: 'string' },
      controls: { type: 'boolean', default: true },
      encrypted: { type: 'boolean', default: false },
      dist: { type: 'string' },
    },
  });
  if (values.control !== undefined && !controls.includes(values.control)) {
    throw new Error(`--control must be one of ${controls.join(', ')}`);
  }
  return {
    cycles: wholeNumber('cycles', values.cycles),
    seed: wholeNumber('seed', values.seed),
    dir: values.dir,
    control: values.control,
    controls: values.controls,
    encrypted: values.encrypted,
    dist: values.dist,
  };
}

/** @param {string} name @param {string} text */
function wholeNumber(name, text) {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} must be a whole number`);
  return Number(text);
}
