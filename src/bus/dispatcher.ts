// Hands mail to whoever is there to take it: sockets with room in their window, pulls that wait.
import type { Consumer, MailboxStore, Offer } from '../ports/mailbox-store.ts';

export interface Receiver extends Consumer {
  /** How long an offer is held for it, in milliseconds. */
  leaseMs: number;
  /** How many more offers it takes right now. */
  room(): number;
  deliver(offers: Offer[]): void;
}

interface Crew {
  /** Who had nothing for the longest time comes first, so that several sockets of one agent share its mail. */
  receivers: Receiver[];
  pumping: boolean;
  /** Something changed while it was pumping. */
  again: boolean;
}

export class Dispatcher {
  readonly #mailboxes: MailboxStore;
  readonly #onError: (error: unknown) => void;
  readonly #crews = new Map<string, Crew>();
  readonly #rung = new Set<string>();
  #stopped = false;

  constructor(mailboxes: MailboxStore, onError: (error: unknown) => void) {
    this.#mailboxes = mailboxes;
    this.#onError = onError;
  }

  add(receiver: Receiver): void {
    const crew = this.#crews.get(receiver.agentId) ?? { receivers: [], pumping: false, again: false };
    this.#crews.set(receiver.agentId, crew);
    crew.receivers.push(receiver);
    this.ring(receiver.agentId);
  }

  /** It takes no more; what it has, it keeps until the leases end. */
  leave(receiver: Receiver): void {
    const crew = this.#crews.get(receiver.agentId);
    if (!crew) return;
    crew.receivers = crew.receivers.filter((other) => other !== receiver);
    if (crew.receivers.length === 0 && !crew.pumping) this.#crews.delete(receiver.agentId);
  }

  /** It is gone: its open offers go back to the mailbox, for another socket or a later one. */
  remove(receiver: Receiver): void {
    this.leave(receiver);
    this.#mailboxes.release(receiver.connectionId);
  }

  /** There is mail, or room for it. All rings of one turn are answered together. */
  ring(agentId: string): void {
    if (!this.#crews.has(agentId) || this.#stopped) return;
    if (this.#rung.size === 0) queueMicrotask(() => this.#answerRings());
    this.#rung.add(agentId);
  }

  /** No further offers; what is out may still be settled. */
  stop(): void {
    this.#stopped = true;
  }

  #answerRings(): void {
    const rung = [...this.#rung];
    this.#rung.clear();
    for (const agentId of rung) {
      const crew = this.#crews.get(agentId);
      if (!crew) continue;
      crew.again = true;
      if (!crew.pumping) this.#pump(agentId, crew).catch(this.#onError);
    }
  }

  async #pump(agentId: string, crew: Crew): Promise<void> {
    crew.pumping = true;
    try {
      while (crew.again && !this.#stopped) {
        crew.again = false;
        const dealt = await this.#deal(agentId, crew);
        if (dealt && this.#mailboxes.stats(agentId).queued > 0) crew.again = true;
      }
    } finally {
      crew.pumping = false;
      if (crew.receivers.length === 0) this.#crews.delete(agentId);
    }
  }

  /** One round: an even share for each who has room. True if there was any mail for them. */
  async #deal(agentId: string, crew: Crew): Promise<boolean> {
    const ready = crew.receivers.filter((receiver) => receiver.room() > 0);
    const { queued } = this.#mailboxes.stats(agentId);
    const share = ready.length > 1 ? Math.ceil(queued / ready.length) : Number.POSITIVE_INFINITY;
    let dealt = false;
    for (const receiver of ready) {
      if (await this.#serve(crew, receiver, share)) dealt = true;
    }
    return dealt;
  }

  async #serve(crew: Crew, receiver: Receiver, share: number): Promise<boolean> {
    const max = Math.min(receiver.room(), share);
    if (max <= 0) return false;
    const offers = await this.#mailboxes.take(receiver.agentId, max, receiver.leaseMs, receiver);
    if (offers.length === 0) return false;
    const place = crew.receivers.indexOf(receiver);
    if (place < 0) {
      this.#mailboxes.release(receiver.connectionId);
      return false;
    }
    crew.receivers.push(...crew.receivers.splice(place, 1));
    receiver.deliver(offers);
    return true;
  }
}
