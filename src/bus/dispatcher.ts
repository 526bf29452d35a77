// Hands mail to whoever is there to take it: sockets with room in their window, pulls that wait.
import type { Consumer, MailboxStore, Offer } from '../ports/mailbox-store.ts';
import { systemTurns, type Turns } from '../ports/turns.ts';

export interface Receiver extends Consumer {
  /** How long an offer is held for it, in milliseconds. */
  leaseMs: number;
  /** How many more offers it takes right now. */
  room(): number;
  deliver(offers: Offer[]): void;
}

interface Seat {
  receiver: Receiver;
  /** Offers that were asked for and are not delivered yet: they are on their way to the disk. */
  expected: number;
  /** There may be mail for it, but what it expects takes all its room. */
  again: boolean;
}

/** Of handing out mail, before whatever else has come is looked at. */
const longestTurnMs = 10;

export class Dispatcher {
  readonly #mailboxes: MailboxStore;
  readonly #onError: (error: unknown) => void;
  readonly #turns: Turns;
  /** By agent. Who had nothing for the longest time comes first, so that several sockets of one agent share its mail. */
  readonly #crews = new Map<string, Seat[]>();
  readonly #rung = new Set<string>();
  #stopped = false;

  constructor(mailboxes: MailboxStore, onError: (error: unknown) => void, turns: Turns = systemTurns) {
    this.#mailboxes = mailboxes;
    this.#onError = onError;
    this.#turns = turns;
  }

  add(receiver: Receiver): void {
    const { agentId } = receiver;
    this.#crews.set(agentId, [...(this.#crews.get(agentId) ?? []), { receiver, expected: 0, again: false }]);
    this.ring(agentId);
  }

  /** It takes no more; what it has, it keeps until the leases end. */
  leave(receiver: Receiver): void {
    const { agentId } = receiver;
    const others = (this.#crews.get(agentId) ?? []).filter((seat) => seat.receiver !== receiver);
    if (others.length > 0) this.#crews.set(agentId, others);
    else this.#crews.delete(agentId);
  }

  /** It is gone: its open offers go back to the mailbox, for another socket or a later one. */
  remove(receiver: Receiver): void {
    this.leave(receiver);
    this.#mailboxes.release(receiver.connectionId);
  }

  /** There is room for mail. All rings of one turn are answered together. */
  ring(agentId: string): void {
    if (!this.#crews.has(agentId) || this.#stopped) return;
    if (this.#rung.size === 0) queueMicrotask(() => this.#answerRings());
    this.#rung.add(agentId);
  }

  /** There is mail: an even share for each who has room. What is taken in this turn is in the commit of this turn. */
  deal(agentId: string): void {
    const crew = this.#crews.get(agentId);
    if (!crew || this.#stopped) return;
    const ready = crew.filter((seat) => {
      const hasRoom = roomOf(seat) > 0;
      seat.again = !hasRoom && seat.expected > 0;
      return hasRoom;
    });
    const { queued } = this.#mailboxes.stats(agentId);
    const share = Math.ceil(queued / ready.length);
    for (const seat of ready) {
      const max = Math.min(roomOf(seat), share, this.#mailboxes.stats(agentId).queued);
      if (max > 0) this.#serve(seat, max).catch(this.#onError);
    }
  }

  /** No further offers; what is out may still be settled. */
  stop(): void {
    this.#stopped = true;
  }

  /** A thousand agents that come back at once each have mail waiting: those who come after them are heard in between. */
  #answerRings(): void {
    const until = this.#turns.elapsed() + longestTurnMs;
    for (const agentId of this.#rung) {
      if (this.#turns.elapsed() > until) {
        this.#turns.later(() => this.#answerRings());
        return;
      }
      this.#rung.delete(agentId);
      this.deal(agentId);
    }
  }

  async #serve(seat: Seat, max: number): Promise<void> {
    const { receiver } = seat;
    const { agentId } = receiver;
    seat.expected += max;
    let offers: Offer[] = [];
    try {
      offers = await this.#mailboxes.take(agentId, max, receiver.leaseMs, receiver);
    } finally {
      seat.expected -= max;
      if (seat.again) this.ring(agentId);
    }
    if (offers.length === 0) return;
    const crew = this.#crews.get(agentId);
    const place = crew?.indexOf(seat) ?? -1;
    if (!crew || place < 0) {
      // What a pull got before it left is its own.
      this.#mailboxes.release(
        receiver.connectionId,
        offers.map(({ messageId }) => messageId),
      );
      return;
    }
    crew.push(...crew.splice(place, 1));
    receiver.deliver(offers);
    if (this.#mailboxes.stats(agentId).queued > 0) this.ring(agentId);
  }
}

function roomOf({ receiver, expected }: Seat): number {
  return receiver.room() - expected;
}
