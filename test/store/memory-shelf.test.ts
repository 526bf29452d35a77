import { expect, it, onTestFinished } from 'vitest';
import { createMemoryStore } from '../../src/store/memory.ts';
import { newMessage } from '../support/new-message.ts';

it('has room for new dead letters, however many were discarded or sent again before', async () => {
  const { mailboxes, close } = createMemoryStore();
  onTestFinished(() => close());
  const bytes = Buffer.alloc(2 ** 20, 'x');
  for (let index = 0; index < 70; index++) {
    const id = `m${index}`;
    await mailboxes.enqueue(newMessage(id, { bytes }));
    await mailboxes.bury(id, 'unwanted');
    if (index % 2 > 0) await mailboxes.redrive(id, Date.now() + 60_000);
    if (index % 2 > 0) await mailboxes.bury(id, 'unwanted');
    expect(await mailboxes.discard(id)).toBe(true);
  }
  await mailboxes.enqueue(newMessage('last'));
  await mailboxes.bury('last', 'unwanted');
  expect((await mailboxes.deadLetters(undefined, 10)).items.map(({ messageId }) => messageId)).toEqual(['last']);
});
