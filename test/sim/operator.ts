// Looks at the ledger and at dead letters, sends some again and forgets others.
import { operator } from '../../src/bus/identity.ts';
import { parseDuration } from '../../src/protocol/durations.ts';
import type { LedgerBroadcast, LedgerMessage } from '../../src/protocol/types.gen.ts';
import type { Random } from './random.ts';
import type { Actor, Server, World } from './world.ts';

const gone = ['MESSAGE_NOT_FOUND', 'STORE_FAILED'];

/** Nobody sends to a whole session here. */
export function onlyMessage(found: LedgerMessage | LedgerBroadcast): LedgerMessage {
  if ('attempts' in found) return found;
  throw new Error(`${found.message_id} is a broadcast, and none was sent`);
}

export class Operator implements Actor {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  act(): number {
    const { open: server, profile } = this.#world;
    if (server && !server.stopping) {
      const deed = this.#random.weighted({ list: 1, find: 3 });
      if (deed === 'list') this.#list(server);
      else this.#find(server);
    }
    return this.#random.between(0, profile.thinkMs * 10);
  }

  #find(server: Server): void {
    const { model, operators } = this.#world;
    const id = this.#random.pick([...model.messages.keys()]);
    if (id === undefined) return;
    server.workspace.messages.find(id, operator).then(
      (message) => operators.found(id, onlyMessage(message)),
      (error: unknown) => {
        if (model.codeOf(id, error, gone) === 'MESSAGE_NOT_FOUND') operators.found(id, undefined);
      },
    );
  }

  #list(server: Server): void {
    const limit = this.#random.pick([1, 3, 100]);
    server.workspace.messages.deadLetters({ limit }).then(
      ({ items }) => {
        // Its doors may have closed meanwhile.
        if (this.#world.open !== server) return;
        for (const item of items) this.#decide(server, onlyMessage(item));
      },
      (error: unknown) => this.#world.model.codeOf('list', error, ['STORE_FAILED']),
    );
  }

  #decide(server: Server, letter: LedgerMessage): void {
    const { model, operators, scheduler } = this.#world;
    const { message_id: id, envelope } = letter;
    this.#world.tell(`the operator sees the dead letter ${id} (${letter.reason})`);
    // A notice that died before anybody saw it.
    if (!model.messages.has(id)) return;
    operators.found(id, letter);
    const deed = this.#random.weighted({ nothing: 2, redrive: 2, discard: 1 });
    if (deed === 'redrive' && envelope) {
      const deadline = scheduler.now + parseDuration(envelope.routing.timeout);
      operators.redriving(id, deadline);
      this.#world.tell(`the operator sends ${id} again`);
      server.workspace.messages.redrive(id).then(
        () => operators.redriven(id),
        (error: unknown) => model.codeOf(id, error, [...gone, 'MAILBOX_FULL', 'STORE_FULL']),
      );
    } else if (deed === 'discard') {
      operators.discarding(id);
      this.#world.tell(`the operator forgets ${id}`);
      server.workspace.messages.discard(id).then(
        () => operators.discarded(id),
        (error: unknown) => model.codeOf(id, error, gone),
      );
    }
  }
}
