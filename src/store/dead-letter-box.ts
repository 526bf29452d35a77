// Messages that die: buried, listed, sent again, or forgotten.
import type { Clock } from '../ports/clock.ts';
import type { DeadLetters, LedgerEntry, NewMessage, Notice } from '../ports/mailbox-store.ts';
import type { Entry } from './entry.ts';
import type { Leases } from './leases.ts';
import type { Ledger } from './ledger.ts';
import type { Offering } from './offering.ts';
import type { Shelf } from './shelf.ts';

export interface DeadLetterDeps {
  shelf: Shelf;
  ledger: Ledger;
  leases: Leases;
  offering: Offering;
  clock: Clock;
  /** Stores a message in the commit of this turn. */
  accept: (message: NewMessage) => void;
  /** @throws BusError MAILBOX_FULL, STORE_FULL */
  assertRoom: (mailbox: string, bytes: number) => void;
  view: (entry: Entry) => LedgerEntry;
}

export class DeadLetterBox {
  readonly #deps: DeadLetterDeps;

  constructor(deps: DeadLetterDeps) {
    this.#deps = deps;
  }

  async bury(entry: Entry | undefined, reason: string, notice?: Notice): Promise<boolean> {
    if (!entry) return false;
    const { ledger, leases, clock, accept, view } = this.#deps;
    const told = notice?.(view(entry));
    // In this order: what a crash cuts short is told of twice rather than never.
    if (told) accept(told);
    leases.drop(entry);
    const at = clock.now();
    await ledger.change({ type: 'buried', ids: [entry.record.messageId], at, reason }, [entry]).done;
    return true;
  }

  async list(after: string | undefined, limit: number): Promise<DeadLetters> {
    const { ledger, shelf, view } = this.#deps;
    await ledger.writeAll();
    const { ids, next } = shelf.deadIds(after, limit);
    const items: LedgerEntry[] = [];
    const damaged: string[] = [];
    for (const id of ids) {
      const entry = ledger.entries.tryFind(id);
      if (entry) items.push(view(entry));
      else damaged.push(id);
    }
    return { items, ...(next !== undefined && { next }), ...(damaged.length > 0 && { damaged }) };
  }

  async redrive(messageId: string, deadline: number): Promise<boolean> {
    const entry = this.#find(messageId);
    if (!entry) return false;
    const { ledger, clock, offering, assertRoom } = this.#deps;
    assertRoom(entry.record.mailbox, entry.record.size);
    const seq = ledger.nextSeq();
    const group = ledger.change({ type: 'redriven', ids: [messageId], at: clock.now(), seq, deadline }, [entry]);
    offering.offerable(entry);
    await group.done;
    return true;
  }

  async discard(messageId: string): Promise<boolean> {
    const entry = this.#find(messageId);
    if (!entry) return false;
    await this.#deps.ledger.discard([entry]);
    return true;
  }

  #find(messageId: string): Entry | undefined {
    const { ledger } = this.#deps;
    return ledger.entries.find(messageId)?.record.state === 'dead' ? ledger.entries.warm(messageId) : undefined;
  }
}
