import { expect, it } from 'vitest';
import { Call } from '../../src/providers/call.ts';
import { isCollected } from '../support/collected.ts';

it('a call keeps nothing of the parts that it has waited for', async () => {
  const call = new Call('local', 60_000, undefined);
  const part = await (async () => new WeakRef(await call.within(Promise.resolve({ text: 'Hello' }))))();
  expect(await isCollected(part)).toBe(true);
  call.end();
});
