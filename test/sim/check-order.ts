// I4: first offers keep the order of acceptance inside (mailbox, priority), and a higher priority overtakes.
import type { Priority } from '../../src/protocol/types.gen.ts';
import type { KnownMessage, Seen } from './known-message.ts';
import type { Violation } from './model.ts';

interface FirstOffer {
  id: string;
  priority: number;
  /** The tick at which it was accepted, at the earliest. */
  acceptedFrom: number;
  seen: Seen;
}

const rank: { readonly [priority in Priority]: number } = { critical: 0, high: 1, medium: 2, low: 3 };
/** Of each mailbox the last ones are compared. */
const remembered = 100;

export class OrderCheck {
  readonly #offers = new Map<string, FirstOffer[]>();

  /** To be called with the first delivery of a message, before the model knows of it. */
  check(message: KnownMessage, seen: Seen): Violation | undefined {
    const { id, isNotice, lives, envelope, seen: before, redrives } = message;
    const isAddressed = envelope?.recipient.agent_id === seen.agent;
    // What was postponed, and what went by way of one who waits for an answer, joins behind the others.
    if (envelope?.routing?.deliver_after !== undefined || message.mayBeClaimed) return undefined;
    // With a second attempt, an earlier one came to nobody: it had its turn.
    if (
      !envelope ||
      isNotice ||
      lives > 0 ||
      !isAddressed ||
      before.length > 0 ||
      redrives.length > 0 ||
      seen.attempt > 1
    )
      return undefined;
    const taken = message.sends.filter(({ answer }) => answer !== 'refused');
    const first = taken[0];
    if (!first) return undefined;
    const priority = rank[envelope.priority ?? 'medium'];
    const offer: FirstOffer = { id, priority, acceptedFrom: first.tick, seen };
    const earlier = (this.#offers.get(seen.agent) ?? []).filter((other) => other.seen.run === seen.run);
    this.#offers.set(seen.agent, [...earlier, offer].slice(-remembered));
    // Where nobody knows whether the first call was taken, it was accepted no later than it was answered.
    const sure =
      first.answer === 'unsure' ? taken.find(({ answer }) => answer === 'first' || answer === 'repeated') : first;
    const acceptedBy = sure === first ? first.tick : (sure?.answeredAtTick ?? Number.POSITIVE_INFINITY);
    const confirmedAt = taken.find(({ answer }) => answer === 'first')?.answeredAt ?? Number.POSITIVE_INFINITY;
    for (const other of earlier) {
      const isEarlier = other.seen.takenAt < seen.takenAt || other.seen.connection === seen.connection;
      if (other.priority === priority && isEarlier && other.acceptedFrom > acceptedBy) {
        return { invariant: 'I4', id, text: `was first offered after ${other.id}, which was accepted after it` };
      }
      const isLate = other.seen.takenAt > confirmedAt && other.seen.takenAt < seen.takenAt;
      if (other.priority > priority && isLate) {
        return { invariant: 'I4', id, text: `was queued and offered after ${other.id}, which has a lower priority` };
      }
    }
    return undefined;
  }
}
