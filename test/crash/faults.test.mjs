import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allFaults, sampleFaults } from './failing-writes.mjs';
import { createRandom } from './random.mjs';

const program = fileURLToPath(new URL('./faults.mjs', import.meta.url));

describe('the faults of storage', () => {
  it('are every call that makes mail durable, with every error, once and from then on', () => {
    const faults = sampleFaults(createRandom(1), allFaults);
    const kinds = faults.map(({ file, call, error, sticky }) => `${error} in ${call} of ${file}, ${sticky}`);
    expect(new Set(kinds).size).toBe(allFaults);
    expect(new Set(faults.map(({ call }) => call))).toEqual(new Set(['pwrite64', 'fdatasync', 'fsync']));
  });

  it.each([
    ['a failure in CI', { CI: 'true' }, 1],
    ['none elsewhere', {}, 0],
  ])('are %s where there is no strace', (_what, env, expected) => {
    const { stdout, status } = spawnSync(process.execPath, [program], { encoding: 'utf8', env: { ...env, PATH: '' } });
    expect(stdout).toMatch(/^test:faults was skipped: it needs /);
    expect(status).toBe(expected);
  });
});
