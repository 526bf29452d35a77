// Messages that died: listed, sent again, or forgotten.
import type { Clock } from '../ports/clock.ts';
import type { LedgerEntry, Page } from '../ports/mailbox-store.ts';
import type { Entry } from './entry.ts';
import type { Ledger } from './ledger.ts';
import type { Offering } from './offering.ts';
import type { Shelf } from './shelf.ts';

export interface DeadLetterDeps {
  shelf: Shelf;
  ledger: Ledger;
  offering: Offering;
  clock: Clock;
  view: (entry: Entry) => LedgerEntry;
}

export class DeadLetterBox {
  readonly #deps: DeadLetterDeps;

  constructor(deps: DeadLetterDeps) {
    this.#deps = deps;
  }

  async list(after: string | undefined, limit: number): Promise<Page<LedgerEntry>> {
    const { ledger, shelf, view } = this.#deps;
    await ledger.writeAll();
    const { ids, next } = shelf.deadIds(after, limit);
    const items = ids.flatMap((id) => {
      const entry = ledger.find(id);
      return entry ? [view(entry)] : [];
    });
    return next === undefined ? { items } : { items, next };
  }

  async redrive(messageId: string, deadline: number): Promise<boolean> {
    const entry = this.#find(messageId);
    if (!entry) return false;
    const { ledger, clock, offering } = this.#deps;
    const seq = ledger.nextSeq();
    const group = ledger.change({ type: 'redriven', ids: [messageId], at: clock.now(), seq, deadline }, [entry]);
    offering.offerable(entry);
    await group.done;
    return true;
  }

  async discard(messageId: string): Promise<boolean> {
    const entry = this.#find(messageId);
    if (!entry) return false;
    await this.#deps.ledger.change({ type: 'discarded', ids: [messageId] }, [entry]).done;
    return true;
  }

  #find(messageId: string): Entry | undefined {
    const { ledger } = this.#deps;
    return ledger.find(messageId)?.record.state === 'dead' ? ledger.warm(messageId) : undefined;
  }
}
