// Fails a test file that leaves its process other than it found it: the next file runs in the same one.
import { afterAll, expect, vi } from 'vitest';

const env = { ...process.env };
/** Names only: a report shows no values of the environment. */
const changedVariables = () =>
  Object.keys({ ...env, ...process.env }).filter((name) => env[name] !== process.env[name]);

const state = () => ({
  changedVariables: changedVariables(),
  folder: process.cwd(),
  umask: process.umask(),
  fakeTimers: vi.isFakeTimers(),
});

const before = state();
afterAll(() => expect(state()).toEqual(before));
