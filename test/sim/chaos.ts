// What befalls the server: power cuts, failing flushes, clean stops, and quiet times.
import type { Random } from './random.ts';
import { stop } from './stop.ts';
import type { Actor, World } from './world.ts';

export class Chaos implements Actor {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  act(): number {
    const { server, profile, scheduler, model } = this.#world;
    if (model.hasFailed || !this.#world.isUp) {
      // A store that failed ends the process, after a while.
      this.#world.crash();
      this.#world.start();
      return this.#pause();
    }
    if (!server || server.stopping) return this.#pause();
    const { turnsPerRun } = profile;
    const deed = this.#random.weighted({
      crash: this.#world.has('crashes') ? 6 : 0,
      stop: this.#world.has('stops') ? 2 : 0,
      fault: this.#world.has('faults') ? 2 : 0,
      lull: 1,
    });
    if (scheduler.steps < this.#next) return this.#pause();
    this.#next = scheduler.steps + this.#random.between(1, turnsPerRun * 2);
    if (deed === 'crash') this.#world.crash();
    else if (deed === 'stop') stop(this.#world, server);
    else if (deed === 'fault') this.#world.disk.breakNextFlush();
    else {
      const ms = this.#random.pick([500, 5_000, 70_000]);
      this.#world.tell(`nobody does anything for ${ms} ms`);
      scheduler.lull(ms);
    }
    return this.#pause();
  }

  #next = 30;

  #pause(): number {
    return this.#random.between(0, this.#world.profile.thinkMs * 2);
  }
}
