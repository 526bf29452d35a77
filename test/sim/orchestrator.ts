// Creates sessions, and ends them or sends participants away while their tasks are open.
import type { Random } from './random.ts';
import type { Actor, Server, World } from './world.ts';

/** Refusals that may be right. */
const refusals = [
  'SESSION_NOT_FOUND',
  'SESSION_ENDED',
  'SESSION_EXISTS',
  'PARTICIPANT_EXISTS',
  'PARTICIPANT_NOT_FOUND',
];
const failed = ['STORE_FAILED', 'SHUTTING_DOWN'];

export class Orchestrator implements Actor {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  act(): number {
    const { open: server, profile, model } = this.#world;
    try {
      if (server) this.#live(server);
    } catch (error) {
      model.codeOf('session', error, [...refusals, ...failed]);
    }
    return this.#random.between(0, profile.thinkMs * 20);
  }

  #live({ bus: { sessions } }: Server): void {
    const { sessionIds, agentIds, senderIds } = this.#world;
    const sessionId = this.#random.pick(sessionIds);
    if (sessionId === undefined || this.#random.chance(0.2)) {
      this.#create(sessions);
      return;
    }
    const agent = this.#random.pick([...agentIds, ...senderIds]) ?? '';
    const deed = this.#random.weighted({ remove: 2, add: 6, terminate: 1, complete: 1 });
    this.#world.tell(`the orchestrator: ${deed} ${sessionId}${deed === 'remove' || deed === 'add' ? ` ${agent}` : ''}`);
    // What is cancelled takes its message with it.
    if (deed !== 'add') this.#world.operators.cancellingAll(sessionId);
    if (deed === 'remove') sessions.removeParticipant(sessionId, agent);
    else if (deed === 'add') sessions.addParticipant(sessionId, { agent_id: agent, role: 'helper' });
    else if (deed === 'terminate') sessions.terminateSession(sessionId, { reason: 'simulated' });
    else sessions.completeSession(sessionId, { summary: 'done' });
    this.#settled(sessions, sessionId);
  }

  #create(sessions: Server['bus']['sessions']): void {
    const { sessionIds, agentIds, senderIds } = this.#world;
    const sessionId = this.#world.newId('sess');
    this.#world.tell(`the orchestrator creates ${sessionId}`);
    const participants = [...agentIds, ...senderIds].map((agent_id) => ({ agent_id, role: 'worker' }));
    sessions.createSession({ sessionId, participants });
    sessionIds.push(sessionId);
    if (sessionIds.length > 4) sessionIds.shift();
    this.#settled(sessions, sessionId);
  }

  #settled(sessions: Server['bus']['sessions'], sessionId: string): void {
    sessions.settled(sessionId).catch((error: unknown) => {
      this.#world.model.codeOf(sessionId, error, [...refusals, ...failed]);
    });
  }
}
