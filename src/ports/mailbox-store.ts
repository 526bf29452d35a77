// The durable mailboxes: every message, its lease, its attempts and its end live behind this port.
import type { RetryRule } from '../core/delivery/backoff.ts';
import type { BusError } from '../protocol/errors.ts';
import type { Attempt, MessageStatus, Priority, TaskRef } from '../protocol/types.gen.ts';

/** Who takes an offer. */
export interface Consumer {
  agentId: string;
  door: Attempt['door'];
  /** Unique per socket or pull; leases are released by it. */
  connectionId: string;
}

export interface Lease {
  consumer: Consumer;
  /** How long, in milliseconds. */
  leaseMs: number;
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
  /** Its place in a chain of replies, where it is not the first. */
  hop?: number;
  /** Of a copy: the broadcast's id. */
  broadcastId?: string;
  /** Of a broadcast. */
  copies?: BroadcastCopy[];
}

export interface BroadcastCopy {
  messageId: string;
  agentId: string;
  task?: TaskRef;
}

export interface NewMessage {
  messageId: string;
  /** Opaque name of a queue; the bus uses one for each agent. */
  mailbox: string;
  priority: Priority;
  /** Milliseconds since the epoch. */
  acceptedAt: number;
  /** Not offered before this instant: then it joins those that wait, behind them. At once where left out. */
  deliverAt?: number;
  /** After this instant it is never offered again. */
  deadline: number;
  retry: RetryRule;
  facts: MessageFacts;
  /** It is on offer to this consumer, who has it already, from the first moment on; the mailbox gets what is not acked. */
  lease?: Lease;
  /** The complete envelope as it travels, UTF-8 JSON. */
  bytes: Buffer;
}

/** One message as the store knows it; a copy, safe to keep. Its `bytes` are read when they are asked for. */
export interface LedgerEntry extends Omit<NewMessage, 'deliverAt' | 'lease'> {
  status: MessageStatus;
  /** The first few and the latest, by their numbers: a message may be offered without end. */
  attempts: Attempt[];
  /** How many attempts between those are not kept. */
  attemptsLeftOut: number;
  /** Set while it waits out a backoff or a delay, or for its `deliverAt`. */
  nextAttemptAt?: number;
  settledAt?: number;
  /** Why it is dead. */
  reason?: string;
}

/** What tells of a message without its envelope; nothing of it may be changed. */
export interface Glimpse {
  readonly mailbox: string;
  readonly facts: Readonly<MessageFacts>;
  /** The agents that it was offered to. */
  readonly offeredTo: readonly string[];
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

/** As `Enqueued`; what each copy became, in their order. */
export type CopiesEnqueued = { outcome: 'stored'; statuses: MessageStatus[] } | Extract<Enqueued, { outcome: 'known' }>;

export interface Rejection {
  /** Not offered again before so many milliseconds; the retry rule's backoff where left out. */
  delayMs?: number;
  /** Give the message up at once, whatever retries are left. */
  giveUp?: boolean;
  reason?: string;
}

/** Where a message goes on to. */
export interface Detour {
  mailbox: string;
  facts: MessageFacts;
  /** The envelope as it travels from then on; the one before where left out. */
  bytes?: Buffer;
  /** After this instant it is not offered there; the deadline before where left out. */
  deadline?: number;
}

/** What somebody is to be told of a death, if anything. */
export type Notice = (dying: LedgerEntry) => NewMessage | undefined;

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

export interface DeadLetters extends Page<LedgerEntry> {
  /** Ids of those on this page that the disk has damaged; nothing else is known of them. */
  damaged?: string[];
}

export interface MailboxEvents {
  /** The mailbox has something to offer that it had not before. What is taken in this turn is offered in the same commit. */
  mail(mailbox: string): void;
  /** An attempt has failed, and another one is due: the last attempt of the entry says how. */
  retried(entry: LedgerEntry): void;
  /**
   * No attempt is left (retries used up, deadline passed, given up). The message is held, offered to nobody,
   * until `reroute` or `bury` says what becomes of it; after a restart it is reported again.
   */
  exhausted(entry: LedgerEntry, reason: string): void;
  /** The record of this message cannot be read: it is left out wherever many are looked at. Called once for each. */
  damaged(messageId: string, error: BusError): void;
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

  /**
   * The copies of a broadcast, each in a mailbox of its own, and `record` under the id of the broadcast: that is settled
   * from the start and offered to nobody. Atomic: all of it is in one commit, or none is.
   * @throws BusError MAILBOX_FULL, STORE_FULL as `assertRoom` for any of the copies.
   */
  enqueueCopies(record: NewMessage, copies: readonly NewMessage[]): Promise<CopiesEnqueued>;

  /** Whether a message of so many bytes would be taken right now. @throws BusError MAILBOX_FULL, STORE_FULL where not. */
  assertRoom(mailbox: string, bytes: number): void;

  /** Whether the id is or may be in use; answers in the same turn, so that the order of what comes in is kept. */
  knows(messageId: string): boolean;

  /** Answers in the same turn, also of what is not durable yet; `undefined` for an id that is free or cannot be read. */
  glimpse(messageId: string): Glimpse | undefined;

  /** Waits until the message's acceptance, or its end, is durable; of what came in between it tells before that is. */
  find(messageId: string): Promise<LedgerEntry | undefined>;

  /**
   * Up to `max` offers, highest priority first, oldest first inside a priority; each is leased to the consumer for `leaseMs`.
   * Resolves when the offers are on record, and with them their messages: after a crash no attempt has the number of one
   * that was delivered.
   */
  take(mailbox: string, max: number, leaseMs: number, consumer: Consumer): Promise<Offer[]>;

  /**
   * Settles messages of this mailbox for good: never offered again, also after a crash. Takes late acks (the lease has
   * ended) as well, since the work is done. One status each, in order: `acknowledged` (also for a repeat), `dead` when
   * it had died before, `undefined` for an id that is not in this mailbox or was never offered from it, and while the
   * message is held: what becomes of it is being decided.
   */
  ack(mailbox: string, messageIds: readonly string[]): Promise<(MessageStatus | undefined)[]>;

  /** Ends the lease as a failed attempt. The status afterwards; `undefined` where there is no such open offer. */
  nack(mailbox: string, messageId: string, rejection: Rejection): Promise<MessageStatus | undefined>;

  /** Renews an open lease to `leaseMs` from now; false where there is none. */
  extend(mailbox: string, messageId: string, leaseMs: number): boolean;

  /** The consumer is gone: its leases, or those named, end at once, go back in their old order, and count as no failure. */
  release(connectionId: string, messageIds?: readonly string[]): void;

  /** Moves an unsettled message to the back of another mailbox, with fresh retries. False where it is settled or unknown. */
  reroute(messageId: string, detour: Detour): Promise<boolean>;

  /**
   * Makes an unsettled message a dead letter. False where it is settled or unknown; else `notice` is called with what the
   * message was until now, and what it returns is stored in the same commit, however full its mailbox is.
   */
  bury(messageId: string, reason: string, notice?: Notice): Promise<boolean>;

  /** Dead letters, oldest death first. */
  deadLetters(after: string | undefined, limit: number): Promise<DeadLetters>;

  /**
   * Sends a dead letter again: same mailbox, fresh retries, the deadline given. False where it is not dead.
   * @throws BusError MAILBOX_FULL, STORE_FULL as `assertRoom`; then it stays dead.
   */
  redrive(messageId: string, deadline: number): Promise<boolean>;

  /** Forgets a dead letter, its id included. False where it is not dead. */
  discard(messageId: string): Promise<boolean>;

  stats(mailbox: string): MailboxStats;
}
