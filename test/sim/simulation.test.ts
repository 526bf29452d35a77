import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type RunOptions, run } from './run.ts';

interface Control {
  replacements: { file: string; text: string }[];
}

/** Beside the sources, plain JavaScript: Node reads it without a loader. */
const plain = async (name: string) => import(new URL(name, import.meta.url).href);
const { controls } = (await plain('./controls.mjs')) as { controls: Record<string, Control> };
const { readOptions } = (await plain('./options.mjs')) as { readOptions: (args: string[]) => unknown };
const program = fileURLToPath(new URL('./main.mjs', import.meta.url));
const simulate = (seed: number, more: Partial<RunOptions> = {}) =>
  run({ seed, steps: 400, without: [], encrypted: false, ...more });

/** What the command prints, and whether it is content. */
function command(...args: string[]): { text: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  return { text: stdout + stderr, status };
}

describe('the simulation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('breaks no promise with seed %i', async (seed) => {
    const { violations, figures } = await simulate(seed);
    expect(violations).toEqual([]);
    expect(figures.accepted).toBeGreaterThan(0);
  });

  it('breaks no promise on an encrypted store whose key changes', async () => {
    const told: string[] = [];
    for (const seed of [9, 10, 11, 12]) {
      const { violations, trace } = await simulate(seed, { encrypted: true });
      expect(violations).toEqual([]);
      told.push(...trace.filter((line) => line.endsWith('everything is under the present key')));
    }
    expect(told.length).toBeGreaterThan(1);
  });

  it('does the same for the same seed, in another process as well', async () => {
    const first = await simulate(2);
    await simulate(3);
    const second = await simulate(2);
    expect(second).toEqual(first);
    const { text, status } = command('--seed', '2', '--steps', '400');
    expect(text.split('\n').slice(0, first.trace.length)).toEqual(first.trace);
    expect(status).toBe(0);
  });

  it('owns all time and chance: what it runs asks for neither, but as a default', () => {
    const folders = ['bus', 'store', 'core', 'protocol'].map((name) => new URL(`../../src/${name}/`, import.meta.url));
    const lines = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && name !== 'backup.ts')
        .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split('\n')),
    );
    const real = /\b(setImmediate|setTimeout|nextTick|performance|hrtime|Date\.now|Math\.random)\b|new Date\(\)/;
    const asked = lines.filter(
      (line) => real.test(line) && !/ = (setImmediate|Math\.random)|^\s*(\/\/|\/?\*)/.test(line),
    );
    expect(asked).toEqual([]);
  });

  it('counts many seeds together, whichever process they ran in', async () => {
    const { text, status } = command('--seeds', '2-4', '--steps', '60', '--no-controls');
    const figures = await Promise.all([2, 3, 4].map(async (seed) => (await simulate(seed, { steps: 60 })).figures));
    const accepted = figures.reduce((sum, one) => sum + one.accepted, 0);
    expect(text).toMatch(new RegExp(`^3 seeds, 0 violations, ${accepted} messages, `, 'm'));
    expect(status).toBe(0);
  });

  it('finds a fault that is built in, and says how to see it again', () => {
    const { text, status } = command('--control', 'ack-not-kept', '--seeds', '1-1', '--steps', '60');
    expect(text).toMatch(/VIOLATION of I3: m_\d+ was delivered after its ack was confirmed/);
    expect(status).toBe(1);
    const [, again = ''] = /replay with: npm run test:sim -- (.*)/.exec(text) ?? [];
    const replayed = command(...again.split(' '));
    expect(replayed.text).toMatch(/VIOLATION of I3/);
    expect(replayed.status).toBe(1);
  });

  it.each([
    [['--seeds', 'all'], /--seeds must be like 1-500/],
    [['--seeds', '9-1'], /--seeds must be like 1-500/],
    [['--steps', 'many'], /--steps must be a whole number/],
    [['--without', 'gravity'], /--without must be among crashes/],
    [['--control', 'gravity'], /--control must be one of answer-before-flush/],
  ])('does not understand %j', (args, text) => expect(() => readOptions(args)).toThrow(text));
});

const replacements = Object.entries(controls).flatMap(([name, control]) =>
  control.replacements.map((replacement) => ({ name, ...replacement })),
);

it.each(replacements)('the control $name replaces a text that stands once in $file', ({ file, text }) => {
  const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
  expect(source.split(text)).toHaveLength(2);
});
