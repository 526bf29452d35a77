// How much a store keeps, and for how long.
import { BusError } from '../protocol/errors.ts';
import type { MailboxQueue } from './mailbox-queue.ts';

export interface MailboxLimits {
  /** Milliseconds that ended messages and their ids are kept. */
  retentionMs: number;
  /** Unsettled messages of one mailbox. */
  maxMailboxMessages: number;
  /** Bytes of their envelopes. */
  maxMailboxBytes: number;
}

export const defaultLimits: MailboxLimits = {
  retentionMs: 7 * 86_400_000,
  maxMailboxMessages: 1_000_000,
  maxMailboxBytes: 2 ** 30,
};

/** @throws BusError STORE_FULL, MAILBOX_FULL where a message of so many bytes has no room. */
export function assertRoomIn(
  queue: MailboxQueue | undefined,
  mailbox: string,
  bytes: number,
  { maxMailboxMessages, maxMailboxBytes, isFull }: MailboxLimits & { isFull?: () => boolean },
): void {
  if (isFull?.()) {
    throw new BusError('STORE_FULL', 'The disk is nearly full: no new mail is taken until there is room; acks are.');
  }
  if (!queue || (queue.unsettled < maxMailboxMessages && queue.bytes + bytes <= maxMailboxBytes)) return;
  throw new BusError('MAILBOX_FULL', `The mailbox of ${mailbox} is full; send again when it has been read.`);
}
