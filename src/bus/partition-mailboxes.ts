// The mailboxes and messages of one workspace: every name that goes down carries the workspace, none that comes up does.
import type {
  Consumer,
  CopiesEnqueued,
  DeadLetters,
  Detour,
  Enqueued,
  Glimpse,
  LedgerEntry,
  MailboxEvents,
  MailboxStats,
  MailboxStore,
  NewMessage,
  Notice,
  Offer,
  Rejection,
} from '../ports/mailbox-store.ts';
import type { MessageStatus } from '../protocol/types.gen.ts';
import { defaultWorkspace, scope, unscope } from './workspace-names.ts';

export class PartitionMailboxes implements MailboxStore {
  readonly #store: MailboxStore;
  readonly #workspaceId: string;
  /** The names of the default workspace are stored as they are: most of what passes here is its mail. */
  readonly #isDefault: boolean;

  constructor(store: MailboxStore, workspaceId: string) {
    this.#store = store;
    this.#workspaceId = workspaceId;
    this.#isDefault = workspaceId === defaultWorkspace;
  }

  /** @throws Error always: whoever divides the store listens for all partitions and hands `entryOf` its reports. */
  listen(_events: MailboxEvents): void {
    throw new Error('a partition does not listen; the store does, once for all');
  }

  enqueue(message: NewMessage): Promise<Enqueued> {
    const enqueued = this.#store.enqueue(this.#stored(message));
    return this.#isDefault ? enqueued : enqueued.then((outcome) => this.#told(outcome));
  }

  enqueueCopies(record: NewMessage, copies: readonly NewMessage[]): Promise<CopiesEnqueued> {
    const stored = copies.map((copy) => this.#stored(copy));
    return this.#store.enqueueCopies(this.#stored(record), stored).then((outcome) => this.#told(outcome));
  }

  assertRoom(mailbox: string, bytes: number): void {
    this.#store.assertRoom(this.#down(mailbox), bytes);
  }

  knows(messageId: string): boolean {
    return this.#store.knows(this.#down(messageId));
  }

  glimpse(messageId: string): Glimpse | undefined {
    const glimpse = this.#store.glimpse(this.#down(messageId));
    return glimpse && { ...glimpse, mailbox: unscope(glimpse.mailbox).name };
  }

  async find(messageId: string): Promise<LedgerEntry | undefined> {
    const entry = await this.#store.find(this.#down(messageId));
    return entry && this.entryOf(entry);
  }

  take(mailbox: string, max: number, leaseMs: number, consumer: Consumer): Promise<Offer[]> {
    const taken = this.#store.take(this.#down(mailbox), max, leaseMs, consumer);
    if (this.#isDefault) return taken;
    return taken.then((offers) => offers.map((offer) => ({ ...offer, messageId: unscope(offer.messageId).name })));
  }

  ack(mailbox: string, messageIds: readonly string[]): Promise<(MessageStatus | undefined)[]> {
    return this.#store.ack(this.#down(mailbox), this.#allDown(messageIds));
  }

  nack(mailbox: string, messageId: string, rejection: Rejection): Promise<MessageStatus | undefined> {
    return this.#store.nack(this.#down(mailbox), this.#down(messageId), rejection);
  }

  extend(mailbox: string, messageId: string, leaseMs: number): boolean {
    return this.#store.extend(this.#down(mailbox), this.#down(messageId), leaseMs);
  }

  release(connectionId: string, messageIds?: readonly string[]): void {
    this.#store.release(connectionId, messageIds && this.#allDown(messageIds));
  }

  reroute(messageId: string, detour: Detour): Promise<boolean> {
    return this.#store.reroute(this.#down(messageId), { ...detour, mailbox: this.#down(detour.mailbox) });
  }

  bury(messageId: string, reason: string, notice?: Notice): Promise<boolean> {
    const stored = (dying: LedgerEntry) => {
      const told = notice?.(this.entryOf(dying));
      return told && this.#stored(told);
    };
    return this.#store.bury(this.#down(messageId), reason, notice && stored);
  }

  /**
   * Passes over the dead letters of other workspaces, so that a page is full where there are enough. The cursor is one of
   * this workspace: only a page that ends with its own has one.
   */
  async deadLetters(after: string | undefined, limit: number): Promise<DeadLetters> {
    const items: LedgerEntry[] = [];
    const damaged: string[] = [];
    for (let cursor = after; ; ) {
      const page = await this.#store.deadLetters(cursor, limit - items.length);
      for (const entry of page.items) if (this.#owns(entry.messageId)) items.push(this.entryOf(entry));
      for (const id of page.damaged ?? []) if (this.#owns(id)) damaged.push(unscope(id).name);
      cursor = page.next;
      if (cursor === undefined || items.length === limit) {
        return { items, ...(cursor !== undefined && { next: cursor }), ...(damaged.length > 0 && { damaged }) };
      }
    }
  }

  redrive(messageId: string, deadline: number): Promise<boolean> {
    return this.#store.redrive(this.#down(messageId), deadline);
  }

  discard(messageId: string): Promise<boolean> {
    return this.#store.discard(this.#down(messageId));
  }

  stats(mailbox: string): MailboxStats {
    return this.#store.stats(this.#down(mailbox));
  }

  /** An entry of this workspace with the names that its agents know. In place: a spread would read its envelope. */
  entryOf(entry: LedgerEntry): LedgerEntry {
    if (this.#isDefault) return entry;
    entry.messageId = unscope(entry.messageId).name;
    entry.mailbox = unscope(entry.mailbox).name;
    return entry;
  }

  #stored(message: NewMessage): NewMessage {
    const messageId = this.#down(message.messageId);
    const mailbox = this.#down(message.mailbox);
    return this.#isDefault ? message : { ...message, messageId, mailbox };
  }

  #told<T extends Enqueued | CopiesEnqueued>(enqueued: T): T {
    return enqueued.outcome === 'known' ? { ...enqueued, entry: this.entryOf(enqueued.entry) } : enqueued;
  }

  #allDown(names: readonly string[]): string[] {
    return names.map((name) => this.#down(name));
  }

  #down(name: string): string {
    return scope(this.#workspaceId, name);
  }

  #owns(stored: string): boolean {
    return unscope(stored).workspaceId === this.#workspaceId;
  }
}
