// An agent with a socket: connects, works within its window, stalls, vanishes without a word, or leaves.
import type { SocketReceiver } from '../../src/bus/workspace.ts';
import { Hands } from './hands.ts';
import type { Random } from './random.ts';
import type { Actor, Server, World } from './world.ts';

interface Connection {
  server: Server;
  leave: () => void;
  /** The peer is gone and the server has not noticed. */
  dead: boolean;
}

export class SocketAgent implements Actor {
  readonly #world: World;
  readonly #agent: string;
  readonly #random: Random;
  readonly #hands: Hands;
  /** The socket taking a frame is its ack. */
  readonly #plain: boolean;
  #connection: Connection | undefined;

  constructor(world: World, agent: string) {
    this.#world = world;
    this.#agent = agent;
    this.#random = world.random.fork();
    this.#hands = new Hands(world, agent, this.#random);
    this.#plain = this.#random.chance(0.2);
  }

  act(): number {
    const { open: server, profile } = this.#world;
    if (this.#connection?.server !== server) this.#connection = undefined;
    if (server) this.#live(server);
    return this.#random.between(0, profile.thinkMs * 2);
  }

  #live(server: Server): void {
    const connection = this.#connection;
    if (!connection) {
      if (!server.stopping && this.#random.chance(0.3)) this.#connect(server);
      return;
    }
    if (connection.dead) {
      if (this.#random.chance(0.1)) this.#leave(connection);
      return;
    }
    if (server.stopping) {
      if (this.#random.chance(0.3)) this.#leave(connection);
      else this.#hands.act(server);
      return;
    }
    const deed = this.#random.weighted({ work: 30, leave: 1, die: 0.5 });
    if (deed === 'leave') this.#leave(connection);
    else if (deed === 'die') connection.dead = true;
    else this.#hands.act(server);
    server.workspace.ring(this.#agent);
  }

  #connect(server: Server): void {
    const { receivers, profile } = this.#world;
    const connectionId = this.#world.newId('socket');
    const connection: Connection = { server, leave: () => undefined, dead: false };
    const receiver: SocketReceiver = {
      agentId: this.#agent,
      door: 'websocket',
      connectionId,
      leaseMs: profile.ackTimeoutMs,
      room: () => (this.#connection === connection ? Math.max(0, profile.window - this.#hands.inFlight) : 0),
      deliver: (offers) => {
        this.#hands.take(connectionId, profile.ackTimeoutMs, offers);
        if (this.#plain && !connection.dead)
          this.#hands.ack(
            server,
            offers.map(({ messageId }) => messageId),
          );
      },
      forward: () => undefined,
      settled: () => undefined,
      close: () => undefined,
    };
    this.#connection = connection;
    this.#world.tell(`${this.#agent} connects: ${connectionId}${this.#plain ? ', plain' : ''}`);
    const leave = server.workspace.connect(receiver);
    connection.leave = () => {
      this.#world.tell(`${this.#agent} is gone: ${connectionId}`);
      receivers.released(connectionId);
      leave();
    };
    server.closing.signal.addEventListener('abort', () => this.#leave(connection), { once: true });
  }

  #leave(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    connection.leave();
  }
}
