// What operators did and were told.
import type { LedgerMessage } from '../../src/protocol/types.gen.ts';
import { checkLedger } from './check-ledger.ts';
import type { Model } from './model.ts';

export class OperatorView {
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  redriving(id: string, deadline: number): void {
    const model = this.#model;
    const message = model.of(id);
    message.redrives.push({ at: model.now, deadline });
    message.dead = undefined;
    message.lease = undefined;
    message.isRedriveSure = false;
    message.nacks.clear();
    message.notBefore = undefined;
  }

  redriven(id: string): void {
    const model = this.#model;
    if (model.hasFailed) model.violate('I7', id, 'was confirmed as sent again after a failed flush');
    const message = model.of(id);
    message.isRedriveSure = true;
    message.openAt = model.now;
  }

  discarding(id: string): void {
    const model = this.#model;
    model.of(id).discarding = true;
  }

  discarded(id: string): void {
    const model = this.#model;
    if (model.hasFailed) model.violate('I7', id, 'was confirmed as forgotten after a failed flush');
  }

  /** What the ledger says of a message, during the run or at its end. */
  found(id: string, entry: LedgerMessage | undefined): void {
    const model = this.#model;
    const message = model.of(id);
    checkLedger(model, message, entry, model.mayBeForgotten(message));
    if (entry?.status === 'dead' && message.redrives.length === 0) message.dead ??= entry.reason ?? 'unknown';
  }

  /** Whatever is open in the session may be cancelled. */
  cancellingAll(sessionId: string): void {
    const model = this.#model;
    for (const message of model.messages.values()) {
      if (message.envelope?.sender.session_id === sessionId) message.cancelled = true;
    }
  }
}
