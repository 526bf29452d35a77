import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { GroupCommit } from '../../src/store/group-commit.ts';

it('a group commit is settled when what was joined so far is flushed, whatever is joined all the time', async () => {
  let isLoaded = true;
  const commit = new GroupCommit(async () => {
    // There is always a next group.
    if (isLoaded) commit.join();
    await turn();
  });
  const group = commit.join();
  await turn();
  let isSettled = false;
  const settled = commit.settled().then(() => {
    isSettled = true;
  });
  for (let turns = 0; turns < 50; turns++) await turn();
  expect(isSettled).toBe(true);
  isLoaded = false;
  await Promise.all([group.done, settled]);
});
