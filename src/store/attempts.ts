// How attempts end: acknowledged, put back, tried again later, or held for the bus to decide.
import { backoffMs } from '../core/delivery/backoff.ts';
import type { Clock } from '../ports/clock.ts';
import type { Rejection } from '../ports/mailbox-store.ts';
import type { Attempt, MessageStatus } from '../protocol/types.gen.ts';
import { type Entry, idsOf } from './entry.ts';
import type { Group } from './group-commit.ts';
import type { Leases } from './leases.ts';
import type { Ledger } from './ledger.ts';

export interface AttemptsDeps {
  ledger: Ledger;
  leases: Leases;
  clock: Clock;
  /** 0 to 1. */
  random: () => number;
  /** The entry can be offered again. */
  offerable: (entry: Entry) => void;
  held: (entry: Entry) => void;
  /** An attempt has failed, and another one is due. */
  retried: (entry: Entry) => void;
}

export class Attempts {
  readonly #deps: AttemptsDeps;

  constructor(deps: AttemptsDeps) {
    this.#deps = deps;
  }

  /** Settles what was offered from the mailbox, as the port says. */
  async acknowledge(mailbox: string, messageIds: readonly string[]): Promise<(MessageStatus | undefined)[]> {
    const { ledger, leases, clock } = this.#deps;
    const unacked = new Set<Entry>();
    // A repeated ack confirms no earlier than the first.
    const ending: (Promise<void> | undefined)[] = [];
    const statuses = messageIds.map((id): MessageStatus | undefined => {
      const entry = ledger.entries.tryFind(id);
      if (!entry?.wasOfferedFrom(mailbox) || entry.record.state === 'held') return undefined;
      if (entry.settled) {
        ending.push(entry.durable);
        return entry.status;
      }
      const warm = ledger.entries.warm(id);
      if (warm) unacked.add(warm);
      return 'acknowledged';
    });
    const acked = [...unacked];
    for (const entry of acked) leases.drop(entry);
    if (acked.length > 0) ending.push(ledger.change({ type: 'acked', ids: idsOf(acked), at: clock.now() }, acked).done);
    await (ending.length === 1 ? ending[0] : Promise.all(ending));
    return statuses;
  }

  /** Ends attempts that are nobody's fault: back to the old place, at once. */
  putBack(entries: readonly Entry[], outcome: Attempt['outcome']): void {
    if (entries.length === 0) return;
    const { ledger, leases, clock, offerable } = this.#deps;
    for (const entry of entries) leases.drop(entry);
    ledger.change({ type: 'attempt_ended', ids: idsOf(entries), at: clock.now(), outcome, failed: false }, entries);
    for (const entry of entries) offerable(entry);
  }

  /** Ends a failed attempt: the next one after a while, or none. */
  fail(entry: Entry, outcome: Attempt['outcome'], rejection: Rejection): Group {
    const { ledger, leases, clock, random } = this.#deps;
    leases.drop(entry);
    const { retry, failures, messageId, deadline } = entry.record;
    const { giveUp = false, delayMs, reason } = rejection;
    const at = clock.now();
    const retryAt = at + (delayMs ?? backoffMs(retry.backoff, failures + 1, random()));
    const why = reason === undefined ? {} : { reason };
    const group = ledger.change(
      { type: 'attempt_ended', ids: [messageId], at, outcome, ...why, failed: true, retryAt },
      [entry],
    );
    if (giveUp) this.hold(entry, `given up: ${reason ?? outcome}`);
    else if (failures >= retry.maxRetries) this.hold(entry, `retries used up: ${outcome}`);
    else if (retryAt < deadline) this.#deps.retried(entry);
    return group;
  }

  /** No attempt is left. */
  hold(entry: Entry, reason: string): void {
    const { ledger, clock, held } = this.#deps;
    ledger.change({ type: 'held', ids: [entry.record.messageId], at: clock.now(), reason }, [entry]);
    held(entry);
  }
}
