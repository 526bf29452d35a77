// All that the outside knows of one message id, since it was last forgotten.
import type { CompleteEnvelope, Envelope } from '../../src/protocol/types.gen.ts';

/** One call of a sender. */
export interface Sent {
  /** Counts everything that the outside did or saw. */
  tick: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** The run of the server. */
  run: number;
  envelope: Envelope | CompleteEnvelope;
  /** As it was sent, where it has to arrive byte for byte. */
  raw: Buffer | undefined;
  timeoutMs: number;
  /** When it was sent, its id may have been free again. */
  mayBeNew: boolean;
  /** What became of it; undefined while nobody knows. */
  answer?: 'first' | 'repeated' | 'refused' | 'unsure';
  answeredAtTick?: number;
  answeredAt?: number;
}

/** One delivery. */
export interface Seen {
  tick: number;
  /** When it was taken from the mailbox. */
  takenAt: number;
  run: number;
  agent: string;
  connection: string;
  attempt: number;
  leaseEndsAt: number;
}

export class KnownMessage {
  readonly id: string;
  /** Written by the bus itself. */
  readonly isNotice: boolean;
  /** Earlier lives: the id was forgotten, then used again. */
  lives = 0;
  /** Deaths that were possible in them. */
  earlierDeaths = 0;
  sends: Sent[] = [];
  /** The call whose content is stored, once that is known. */
  stored: Sent | undefined;
  /** It was confirmed, or seen: it is durable. */
  accepted = false;
  seen: Seen[] = [];
  /** The last delivery, while nothing has ended it. */
  lease: Seen | undefined;
  ack: 'none' | 'asked' | 'confirmed' = 'none';
  acks = 0;
  /** The run in which an ack was first asked for. */
  ackRun = 0;
  /** The last moment at which it had surely not ended. */
  openAt = 0;
  /** Calls that may have ended it otherwise. */
  givenUp = false;
  cancelled = false;
  /** Its sender waits for the answer. */
  isAwaited = false;
  /** It may answer such a message: then the bus takes it from its mailbox itself. */
  mayBeClaimed = false;
  discarding = false;
  /** Nacks that were confirmed, by agent, since it was last sent to that mailbox. */
  nacks = new Map<string, number>();
  /** Not to be offered before, to this agent. */
  notBefore: { agent: string; at: number } | undefined;
  /** Known to be dead, and not sent again since. */
  dead: string | undefined;
  /** When it was sent again, and until when. */
  redrives: { at: number; deadline: number }[] = [];
  isRedriveSure = true;
  /** Death notices about it, by their ids. */
  notices = new Set<string>();

  constructor(id: string, isNotice: boolean) {
    this.id = id;
    this.isNotice = isNotice;
  }

  /** The id is free again: nothing that was before counts any more. */
  static again(old: KnownMessage): KnownMessage {
    const next = new KnownMessage(old.id, old.isNotice);
    next.lives = old.lives + 1;
    next.earlierDeaths = old.possibleDeaths;
    next.notices = old.notices;
    return next;
  }

  /** What it says: of the stored call, else of any. */
  get envelope(): Envelope | CompleteEnvelope | undefined {
    return (this.stored ?? this.sends[0])?.envelope;
  }

  get candidates(): readonly Sent[] {
    return this.stored ? [this.stored] : this.sends.filter(({ answer }) => answer !== 'refused');
  }

  /** Whether it may be stored at all. */
  get mayExist(): boolean {
    return this.accepted || this.candidates.length > 0;
  }

  /** No deadline that it may have is later. */
  get latestDeadline(): number {
    return Math.max(...this.#deadlines());
  }

  /** Its first offer is no earlier. */
  get earliestOffer(): number {
    return Math.min(
      ...this.candidates.map(({ at, envelope }) => at + Number.parseInt(envelope.routing?.deliver_after ?? '0', 10)),
    );
  }

  /** No deadline that it may have is earlier. */
  get earliestDeadline(): number {
    return Math.min(...this.#deadlines());
  }

  /** Whether the agent may have no attempt left, so that it is being decided what becomes of it. */
  mayBeUndecided(agent: string, now: number): boolean {
    const { max_retries: retries = 3 } = this.envelope?.routing?.retry_policy ?? {};
    const offers = this.seen.filter((seen) => seen.agent === agent).length;
    return this.givenUp || now >= this.earliestDeadline || offers > retries;
  }

  /** How often it may have died. */
  get possibleDeaths(): number {
    const lives = 1 + this.sends.filter(({ mayBeNew, answer }) => mayBeNew && answer !== 'refused').length;
    return lives + this.redrives.length + this.earlierDeaths;
  }

  #deadlines(): number[] {
    // Without a first receipt nobody knows which of the calls was it.
    const isSure = this.stored?.answer === 'first';
    const calls = isSure ? this.candidates : this.sends.filter(({ answer }) => answer !== 'refused');
    return [...calls.map(({ at, timeoutMs }) => at + timeoutMs), ...this.redrives.map(({ deadline }) => deadline)];
  }

  /** Whether it may be in another mailbox than the addressed one. */
  get mayMove(): boolean {
    return this.mayBeClaimed || this.candidates.some(({ envelope }) => envelope.routing?.fallback_agents !== undefined);
  }

  /** Who may be handed it. */
  mayGoTo(agent: string): boolean {
    return this.candidates.some(({ envelope: { recipient, routing } }) => {
      const fallbacks: readonly string[] = routing?.fallback_agents ?? [];
      return recipient.agent_id === undefined || recipient.agent_id === agent || fallbacks.includes(agent);
    });
  }
}
