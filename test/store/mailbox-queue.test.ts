// A backlog that nobody takes must not be kept in memory by the lane that it waits in.
import { expect, it } from 'vitest';
import { Entry } from '../../src/store/entry.ts';
import { Lane } from '../../src/store/mailbox-queue.ts';

const message = (messageId: string) => ({
  messageId,
  mailbox: 'opencode://backend',
  priority: 'medium' as const,
  acceptedAt: 0,
  deadline: Date.now() + 600_000,
  retry: { maxRetries: 3, backoff: 'linear' as const },
  facts: { sender: 'claude-code://orchestrator', messageType: 'status_update' },
  bytes: Buffer.from('{}'),
});

it('a lane forgets the entries that have left memory, whoever takes or not', () => {
  const lane = new Lane();
  const entries = Array.from({ length: 10_000 }, (_, seq) => {
    const entry = Entry.accept(message(`m${seq}`), seq, 1, 0);
    entry.record.state = 'ready';
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
