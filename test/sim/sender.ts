// Sends new envelopes, and old ones again: those it got no answer for, those it did, and others under their ids.
import type { Random } from './random.ts';
import { altered, type Letter, newLetter, transmit } from './sending.ts';
import type { Actor, Server, World } from './world.ts';

export class Sender implements Actor {
  readonly #world: World;
  readonly #agent: string;
  readonly #random: Random;
  readonly #letters: Letter[] = [];

  constructor(world: World, agent: string) {
    this.#world = world;
    this.#agent = agent;
    this.#random = world.random.fork();
  }

  act(): number {
    const { open: server, profile } = this.#world;
    if (server) {
      const count = this.#random.between(1, profile.burst);
      for (let sent = 0; sent < count; sent++) this.#send(server);
    }
    return this.#random.between(0, profile.thinkMs * 2);
  }

  #send(server: Server): void {
    const old = this.#random.chance(0.2) ? this.#random.pick(this.#letters) : undefined;
    if (old) {
      const isOther = this.#world.has('conflicts') && this.#random.chance(0.3);
      transmit(this.#world, server, isOther ? altered(old) : old);
      return;
    }
    const letter = newLetter(this.#world, this.#agent, this.#random);
    this.#letters.push(letter);
    transmit(this.#world, server, letter);
    // In the same turn: the first one is not durable yet.
    if (this.#random.chance(0.03)) transmit(this.#world, server, letter);
  }
}
