import { expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/store/byte-writer.ts';
import { Entry } from '../../src/store/entry.ts';
import { readEntry, writeEntry } from '../../src/store/entry-codec.ts';
import { newMessage } from '../support/new-message.ts';

const facts = { sender: 'x://y', messageType: 'status_update' };
const by = { agentId: 'codex://away', door: 'http' as const, connectionId: 'conn_1' };

function rerouted(): Entry {
  const entry = Entry.accept(newMessage('m1'), 7, 0);
  entry.apply({ type: 'offered', ids: ['m1'], at: 1, until: 2, by });
  entry.apply({ type: 'attempt_ended', ids: ['m1'], at: 2, outcome: 'nacked', failed: true });
  entry.apply({ type: 'moved', ids: ['m1'], at: 3, mailbox: 'opencode://backend', seq: 8, facts });
  return entry;
}

it('reads an entry as it was written', () => {
  const { record } = rerouted();
  const out = new ByteWriter();
  writeEntry(out, record);
  expect(readEntry(new ByteReader(out.buffer.subarray(0, out.size)))).toEqual(record);
});

it('reads an entry of before there was a count of what other mailboxes had offered', () => {
  const { record } = rerouted();
  const out = new ByteWriter();
  writeEntry(out, record);
  const before = out.buffer.subarray(0, out.size - 4);
  expect(readEntry(new ByteReader(before))).toEqual({ ...record, attemptsElsewhere: 0 });
});
