// An agent without a socket: takes what is there, or waits for it, and sometimes goes away while it waits.
import { Hands } from './hands.ts';
import type { Random } from './random.ts';
import type { Actor, Server, World } from './world.ts';

interface Pull {
  server: Server;
  abort: AbortController;
}

export class Puller implements Actor {
  readonly #world: World;
  readonly #agent: string;
  readonly #random: Random;
  readonly #hands: Hands;
  #pull: Pull | undefined;

  constructor(world: World, agent: string) {
    this.#world = world;
    this.#agent = agent;
    this.#random = world.random.fork();
    this.#hands = new Hands(world, agent, this.#random);
  }

  act(): number {
    const { open: server, profile } = this.#world;
    if (this.#pull?.server !== server) this.#pull = undefined;
    if (server) {
      const deed = this.#random.weighted({ work: 4, pull: 2, abort: 0.2 });
      if (deed === 'work') this.#hands.act(server);
      else if (deed === 'abort') this.#pull?.abort.abort();
      else if (!this.#pull) this.#begin(server);
    }
    return this.#random.between(0, profile.thinkMs * 2);
  }

  #begin(server: Server): void {
    const { profile, scheduler } = this.#world;
    if (!server.workspace.agents.isKnown(this.#agent)) {
      this.#register(server);
      return;
    }
    const pull: Pull = { server, abort: new AbortController() };
    this.#pull = pull;
    const onClosing = (): void => pull.abort.abort();
    server.closing.signal.addEventListener('abort', onClosing, { once: true });
    const max = this.#random.between(1, profile.window);
    const waitMs = this.#random.pick([0, 50, 2_000]);
    const { leaseMs } = profile;
    this.#world.tell(`${this.#agent} pulls up to ${max}, waits ${waitMs} ms`);
    server.workspace.messages.pull(this.#agent, { max, waitMs, leaseMs }, pull.abort.signal).then(
      (offers) => {
        server.closing.signal.removeEventListener('abort', onClosing);
        if (this.#pull === pull) this.#pull = undefined;
        // An answer that comes when nobody listens any more is lost; its leases end by themselves.
        if (!pull.abort.signal.aborted) this.#hands.take(`a pull at ${scheduler.steps}`, leaseMs, offers);
        else if (offers.length > 0) this.#world.model.violate('X', this.#agent, 'an aborted pull took mail');
      },
      (error: unknown) => {
        if (this.#pull === pull) this.#pull = undefined;
        this.#world.model.codeOf(this.#agent, error, ['STORE_FAILED']);
      },
    );
  }

  #register(server: Server): void {
    server.workspace.agents
      .register({ agent_descriptor: { agent_id: this.#agent, capabilities: ['work'] } })
      .catch((error: unknown) => {
        this.#world.model.codeOf(this.#agent, error, ['STORE_FAILED']);
      });
  }
}
