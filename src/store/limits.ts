// How much a store keeps, and for how long.

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
