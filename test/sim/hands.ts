// What a receiver does with the offers it holds: acks them, gives them back, keeps them longer, answers them, or nothing.
import type { Offer } from '../../src/ports/mailbox-store.ts';
import type { CompleteEnvelope } from '../../src/protocol/types.gen.ts';
import type { Random } from './random.ts';
import { replyTo, transmit } from './sending.ts';
import type { Server, World } from './world.ts';

export interface Held {
  id: string;
  leaseEndsAt: number;
  connection: string;
  envelope: CompleteEnvelope;
}

/** Refusals that may be right: the lease or the message may have ended meanwhile. */
const refusals = ['MESSAGE_NOT_FOUND', 'NOT_OFFERED', 'MESSAGE_SETTLED', 'STORE_FAILED'];

export class Hands {
  readonly #world: World;
  readonly #agent: string;
  readonly #random: Random;
  held: Held[] = [];

  constructor(world: World, agent: string, random: Random) {
    this.#world = world;
    this.#agent = agent;
    this.#random = random;
  }

  /** How many offers take room right now. */
  get inFlight(): number {
    return this.held.filter(({ leaseEndsAt }) => leaseEndsAt > this.#world.scheduler.now).length;
  }

  take(connection: string, leaseMs: number, offers: readonly Offer[]): void {
    const { world } = { world: this.#world };
    for (const { messageId, attempt } of offers) {
      world.tell(`${this.#agent} gets ${messageId}, attempt ${attempt}, over ${connection}`);
    }
    world.receivers.delivered(this.#agent, connection, leaseMs, offers);
    for (const { messageId: id, leaseEndsAt, bytes } of offers) {
      const envelope = JSON.parse(bytes.toString('utf8')) as CompleteEnvelope;
      this.held.push({ id, leaseEndsAt, connection, envelope });
    }
  }

  /** One deed. */
  act(server: Server): void {
    const { trouble } = this.#world.profile;
    const deed = this.#random.weighted({
      ack: 1 - trouble,
      nack: trouble / 2,
      extend: trouble / 6,
      reply: 1 - trouble,
      forget: trouble / 6,
      nothing: trouble / 6,
    });
    const held = this.#random.pick(this.held);
    if (!held || deed === 'nothing') return;
    if (deed === 'ack') this.ack(server, this.#some());
    else if (deed === 'nack') this.#nack(server, held);
    else if (deed === 'extend') this.#extend(server, held);
    else if (deed === 'reply') this.#reply(server, held);
    else this.#drop([held.id]);
  }

  ack(server: Server, ids: readonly string[]): void {
    const { model, receivers } = this.#world;
    this.#drop(ids);
    this.#world.tell(`${this.#agent} acks ${ids.join(', ')}`);
    const last = receivers.acking(ids);
    server.workspace.access.ackAll(this.#agent, ids).then(
      (refused) => {
        for (const id of ids) {
          const refusal = refused.find(({ messageId }) => messageId === id);
          if (refusal) {
            const code = model.codeOf(id, refusal.error, refusals);
            this.#world.tell(`the ack of ${id} is refused: ${code}`);
            receivers.ackRefused(this.#agent, id, code, last.get(id));
          } else {
            this.#world.tell(`the ack of ${id} is confirmed`);
            receivers.acked(id);
          }
        }
      },
      (error: unknown) => {
        for (const id of ids) model.codeOf(id, error, ['STORE_FAILED']);
      },
    );
  }

  #some(): string[] {
    const all = this.#random.chance(0.5);
    const ids = this.held.filter(() => all || this.#random.chance(0.4)).map(({ id }) => id);
    return [...new Set(ids.length > 0 ? ids : this.held.slice(0, 1).map(({ id }) => id))];
  }

  #nack(server: Server, { id }: Held): void {
    const { model, receivers, scheduler } = this.#world;
    const giveUp = this.#random.chance(0.15);
    const delayMs = this.#random.chance(0.6) ? this.#random.pick([0, 1, 70, 900, 4_000]) : undefined;
    this.#drop([id]);
    this.#world.tell(
      `${this.#agent} nacks ${id}${giveUp ? ' for good' : ''}${delayMs === undefined ? '' : `, delay ${delayMs} ms`}`,
    );
    receivers.nacking(id, giveUp);
    const rejection = { ...(delayMs !== undefined && { delayMs }), ...(giveUp && { giveUp }) };
    const notBefore = delayMs === undefined ? undefined : scheduler.now + delayMs;
    server.workspace.messages.nack(this.#agent, id, rejection).then(
      () => receivers.nacked(this.#agent, id, notBefore),
      (error: unknown) => model.codeOf(id, error, refusals),
    );
  }

  #extend(server: Server, held: Held): void {
    const { model, receivers, scheduler, profile } = this.#world;
    const leaseEndsAt = scheduler.now + profile.ackTimeoutMs;
    this.#world.tell(`${this.#agent} extends ${held.id}`);
    server.workspace.access.extend(this.#agent, held.id).then(
      () => {
        receivers.extended(held.id, this.#agent, leaseEndsAt);
        held.leaseEndsAt = leaseEndsAt;
      },
      (error: unknown) => model.codeOf(held.id, error, refusals),
    );
  }

  #reply(server: Server, { id, envelope }: Held): void {
    const isRequest = envelope.message_type === 'task_request';
    if (!isRequest) {
      this.ack(server, [id]);
      return;
    }
    // Some answer a second time, and then too late.
    if (this.#random.chance(0.7)) this.#drop([id]);
    transmit(this.#world, server, replyTo(this.#world, this.#agent, envelope, this.#random));
    // An answer is the ack as well.
    this.#world.receivers.answering(id);
  }

  #drop(ids: readonly string[]): void {
    this.held = this.held.filter(({ id }) => !ids.includes(id));
  }
}
