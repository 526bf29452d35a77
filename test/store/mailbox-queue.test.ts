// A backlog that nobody takes must not be kept in memory by the lane that it waits in.
import { expect, it } from 'vitest';
import { Entry } from '../../src/store/entry.ts';
import { Lane } from '../../src/store/mailbox-queue.ts';
import { newMessage } from '../support/new-message.ts';

it('a lane forgets the entries that have left memory, whoever takes or not', () => {
  const lane = new Lane();
  const entries = Array.from({ length: 10_000 }, (_, seq) => {
    const entry = Entry.accept(newMessage(`m${seq}`), seq, 0);
    lane.add(entry);
    return entry;
  });
  for (const entry of entries.slice(0, 9_990)) {
    entry.evicted = true;
    lane.forgetOne();
  }
  expect(lane.slotCount).toBeLessThan(200);
  expect(lane.peek()).toBe(entries[9_990]);
});

it('a lane keeps no message that was taken, whether more of them wait or not', () => {
  const lane = new Lane();
  const add = (seq: number) => lane.add(Entry.accept(newMessage(`m${seq}`), seq, 0));
  for (let seq = 0; seq < 10; seq++) add(seq);
  for (let taken = 0; taken < 10; taken++) lane.drop();
  expect(lane.slotCount).toBe(0);
  for (let seq = 10; seq < 1_010; seq++) add(seq);
  for (let taken = 0; taken < 990; taken++) lane.drop();
  expect(lane.slotCount).toBeLessThan(150);
  expect(lane.peek()?.record.seq).toBe(1_000);
});
