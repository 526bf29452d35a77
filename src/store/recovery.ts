// Rebuilds memory at the start: the counts of the tables, and the journal behind the mark on top of them.
import { Entry } from './entry.ts';
import { readRecords } from './journal-record.ts';
import type { MailboxQueues } from './mailbox-queue.ts';
import type { Shelf } from './shelf.ts';

export interface RecoveryHooks {
  find(id: string): Entry | undefined;
  /** The entry of an id, in memory from now on. */
  warm(id: string): Entry | undefined;
  /** The journal knows more of the entry than the tables, since this segment. */
  changed(entry: Entry, segment: number): void;
  forgotten(entry: Entry): void;
}

/** @throws BusError STORE_UNREADABLE where the journal is damaged. */
export function recover(shelf: Shelf, queues: MailboxQueues, entries: Map<string, Entry>, hooks: RecoveryHooks): void {
  for (const [name, sizes] of shelf.laneSizes()) {
    const queue = queues.of(name);
    for (const [index, lane] of queue.lanes.entries()) {
      [lane.rows, lane.rowBytes] = sizes[index] ?? [0, 0];
      lane.coldFrom = 0;
      queue.unsettled += lane.rows;
      queue.bytes += lane.rowBytes;
    }
  }
  for (const [segment, bytes] of shelf.segmentsAfter(shelf.readMark())) replay(segment, bytes, entries, hooks);
  for (const entry of entries.values()) {
    // Counted above by its row, wherever that lies; counted now by where it is.
    const { queue: row } = entry.rows;
    if (row) {
      const queue = queues.of(row.mailbox);
      queue.unsettled--;
      queue.bytes -= entry.record.size;
    }
    if (entry.record.state === 'accepted') entry.record.state = 'ready';
    queues.count(entry, 1);
  }
}

function replay(segment: number, bytes: Buffer, entries: Map<string, Entry>, hooks: RecoveryHooks): void {
  for (const record of readRecords(bytes)) {
    if (record.kind === 'accepted') {
      const { seq, ...message } = record.head;
      if (hooks.find(message.messageId)) continue;
      const entry = Entry.accept({ ...message, bytes: record.bytes }, seq, segment, record.offset);
      entry.bytes = undefined;
      entries.set(message.messageId, entry);
      hooks.changed(entry, segment);
      continue;
    }
    const { change } = record;
    for (const id of change.ids) {
      // The tables may have it already.
      if ((hooks.find(id)?.record.asOf ?? segment) >= segment) continue;
      const entry = hooks.warm(id);
      if (!entry) continue;
      if (change.type === 'discarded') {
        hooks.forgotten(entry);
        continue;
      }
      entry.apply(change);
      hooks.changed(entry, segment);
    }
  }
}
