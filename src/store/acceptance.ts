// How messages come into the store: checked against what is known and what there is room for, then one commit.
import type { Clock } from '../ports/clock.ts';
import type { CopiesEnqueued, Enqueued, LedgerEntry, NewMessage } from '../ports/mailbox-store.ts';
import type { Entry } from './entry.ts';
import type { Group } from './group-commit.ts';
import type { Ledger } from './ledger.ts';
import type { Offering } from './offering.ts';

export interface AcceptanceDeps {
  ledger: Ledger;
  offering: Offering;
  clock: Clock;
  view: (entry: Entry) => LedgerEntry;
  /** @throws BusError MAILBOX_FULL, STORE_FULL. */
  assertRoom: (mailbox: string, bytes: number) => void;
}

export class Acceptance {
  readonly #deps: AcceptanceDeps;

  constructor(deps: AcceptanceDeps) {
    this.#deps = deps;
  }

  /** Every message comes this way: an async function would cost it more than what is done here. */
  enqueue(message: NewMessage): Promise<Enqueued> {
    try {
      const known = this.#deps.ledger.entries.find(message.messageId);
      if (known) return this.#known(known);
      this.#deps.assertRoom(message.mailbox, message.bytes.length);
      const { entry, group } = this.accept(message);
      return group.done.then(() => ({ outcome: 'stored', status: entry.status }));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async enqueueCopies(record: NewMessage, copies: readonly NewMessage[]): Promise<CopiesEnqueued> {
    const { ledger, assertRoom } = this.#deps;
    const known = ledger.entries.find(record.messageId);
    if (known) return this.#known(known);
    for (const { mailbox, bytes } of copies) assertRoom(mailbox, bytes.length);
    const { entry, group } = ledger.accept(record);
    ledger.change({ type: 'acked', ids: [record.messageId], at: record.acceptedAt }, [entry]);
    const entries = copies.map((copy) => this.accept(copy).entry);
    await group.done;
    return { outcome: 'stored', statuses: entries.map(({ status }) => status) };
  }

  async #known(entry: Entry): Promise<Extract<Enqueued, { outcome: 'known' }>> {
    // What a crash could still undo is not told of yet.
    await entry.durable;
    return { outcome: 'known', entry: this.#deps.view(entry) };
  }

  /** In the commit of this turn, whatever is known and however full it is. */
  accept(message: NewMessage): { entry: Entry; group: Group } {
    const accepted = this.#deps.ledger.accept(message);
    const { offering, clock } = this.#deps;
    if (message.lease) offering.lease([accepted.entry], clock.now(), message.lease);
    else offering.accepted(accepted.entry);
    return accepted;
  }
}
