import { expect, it } from 'vitest';
import { firstFailureIn } from './strace.mjs';

it('finds the instant of the first injected failure', () => {
  const log = [
    '22006 1795214155.060770 fdatasync(19)   = 0',
    '22006 1795214155.160770 fdatasync(19)   = -1 EIO (Input/output error) (INJECTED)',
    '22006 1795214155.260770 fdatasync(19)   = -1 EIO (Input/output error) (INJECTED)',
  ].join('\n');
  expect(firstFailureIn(log)).toBeCloseTo(1795214155160.77);
});

it('says so where nothing was injected', () => {
  expect(firstFailureIn('22006 1795214155.060770 fdatasync(19)   = 0')).toBeUndefined();
});
