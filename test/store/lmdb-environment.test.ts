import { expect, it, onTestFinished } from 'vitest';
import { openEnvironment } from '../../src/store/lmdb-environment.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

it('what LMDB cannot do at the start is a failure of the store, in words that name the file', () => {
  const environment = openEnvironment(temporaryFolder());
  onTestFinished(() => environment.close());
  const tooLong = 'x'.repeat(10_000);
  const write = () => environment.transactNow(() => void environment.table('ledger').put(tooLong, Buffer.alloc(1)));
  expect(write).toThrow(
    expect.objectContaining({ code: 'STORE_FAILED', message: expect.stringMatching(/^LMDB failed on .*bus\.mdb: /) }),
  );
});
