// The durable mailboxes: every message, its lease, its attempts and its end live behind this port.
import type { RetryRule } from '../core/delivery/backoff.ts';
import type { Attempt, MessageStatus, Priority, TaskRef } from '../protocol/types.gen.ts';

/** Who takes an offer. */
export interface Consumer {
  agentId: string;
  door: Attempt['door'];
  /** Unique per socket or pull; leases are released by it. */
  connectionId: string;
}

/** What the bus keeps about a message beside its bytes; the store does not look into it. */
export interface MessageFacts {
  sender: string;
  messageType: string;
  sessionId?: string;
  task?: TaskRef;
  /** Why this mailbox and not the addressed one. */
  routedBy?: string;
  /** Fallback agents that have not been tried. */
  fallbacks?: string[];
}

export interface NewMessage {
  messageId: string;
  /** Opaque name of a queue; the bus uses one for each agent. */
  mailbox: string;
  priority: Priority;
  /** Milliseconds since the epoch. */
  acceptedAt: number;
  /** After this instant it is never offered again. */
  deadline: number;
  retry: RetryRule;
  facts: MessageFacts;
  /** The complete envelope as it travels, UTF-8 JSON. */
  bytes: Buffer;
}

/** One message as the store knows it; a copy, safe to keep. */
export interface LedgerEntry extends NewMessage {
  status: MessageStatus;
  attempts: Attempt[];
  /** Set while it waits out a backoff or a delay. */
  nextAttemptAt?: number;
  settledAt?: number;
  /** Why it is dead. */
  reason?: string;
}

export interface Offer {
  messageId: string;
  /** 1 for the first offer, higher for each later one. */
  attempt: number;
  leaseEndsAt: number;
  bytes: Buffer;
}

export type Enqueued =
  /** Stored and flushed; `status` is what it became in the same turn. */
  | { outcome: 'stored'; status: MessageStatus }
  /** The id is in use; nothing was stored. Compare the contents to tell a repeat from a conflict. */
  | { outcome: 'known'; entry: LedgerEntry };

export interface Rejection {
  /** Not offered again before so many milliseconds; the retry rule's backoff where left out. */
  delayMs?: number;
  /** Give the message up at once, whatever retries are left. */
  giveUp?: boolean;
  reason?: string;
}

export interface MailboxStats {
  /** Messages waiting for an offer, those in backoff included. */
  queued: number;
  inFlight: number;
}

export interface Page<T> {
  items: T[];
  /** Hand it in as `after` to go on; absent on the last page. */
  next?: string;
}

export interface MailboxEvents {
  /** The mailbox has something to offer that it had not before. Called in the turn in which it became durable. */
  mail(mailbox: string): void;
  /**
   * No attempt is left (retries used up, deadline passed, given up). The message is held, offered to nobody,
   * until `reroute` or `bury` says what becomes of it; after a restart it is reported again.
   */
  exhausted(entry: LedgerEntry, reason: string): void;
}

/**
 * Every promise here resolves after what it did was flushed (where the store persists at all), and rejects with
 * STORE_FAILED when that failed; after one such failure all later writes are refused the same way.
 * Leases belong to the store: it ends them, counts the failure and schedules the next attempt by the retry rule.
 */
export interface MailboxStore {
  /** Receives events from now on; exactly one listener. Exhausted messages of an earlier run are reported at once. */
  listen(events: MailboxEvents): void;

  /**
   * Atomic: the message and the record of its id are in one commit, or neither is.
   * @throws BusError MAILBOX_FULL, STORE_FULL as `assertRoom`.
   */
  enqueue(message: NewMessage): Promise<Enqueued>;

  /** Whether a message of so many bytes would be taken right now. @throws BusError MAILBOX_FULL, STORE_FULL where not. */
  assertRoom(mailbox: string, bytes: number): void;

  /** Whether the id is or may be in use; answers in the same turn, so that the order of what comes in is kept. */
  knows(messageId: string): boolean;

  /** Waits until what it tells of is durable. */
  find(messageId: string): Promise<LedgerEntry | undefined>;

  /**
   * Up to `max` offers, highest priority first, oldest first inside a priority; each is leased to the consumer for `leaseMs`.
   * An offer is never made before its message is durable.
   */
  take(mailbox: string, max: number, leaseMs: number, consumer: Consumer): Promise<Offer[]>;

  /**
   * Settles messages of this mailbox for good: never offered again, also after a crash. Takes late acks (the lease has
   * ended) as well, since the work is done. One status each, in order: `acknowledged` (also for a repeat), `dead` when
   * it had died before, `undefined` for an id that is not in this mailbox or was never offered.
   */
  ack(mailbox: string, messageIds: readonly string[], consumer?: Consumer): Promise<(MessageStatus | undefined)[]>;

  /** Ends the lease as a failed attempt. The status afterwards; `undefined` where there is no such open offer. */
  nack(mailbox: string, messageId: string, rejection: Rejection): Promise<MessageStatus | undefined>;

  /** Renews an open lease to `leaseMs` from now; false where there is none. */
  extend(mailbox: string, messageId: string, leaseMs: number): boolean;

  /** The consumer is gone: its leases end at once, go back in their old order, and count as no failure. */
  release(connectionId: string): void;

  /** Moves an unsettled message to the back of another mailbox, with fresh retries. False where it is settled or unknown. */
  reroute(messageId: string, mailbox: string, facts: MessageFacts): Promise<boolean>;

  /** Makes an unsettled message a dead letter. False where it is settled or unknown. */
  bury(messageId: string, reason: string): Promise<boolean>;

  /** Dead letters, oldest death first. */
  deadLetters(after: string | undefined, limit: number): Promise<Page<LedgerEntry>>;

  /** Sends a dead letter again: same mailbox, fresh retries, the deadline given. False where it is not dead. */
  redrive(messageId: string, deadline: number): Promise<boolean>;

  /** Forgets a dead letter, its id included. False where it is not dead. */
  discard(messageId: string): Promise<boolean>;

  stats(mailbox: string): MailboxStats;
}
