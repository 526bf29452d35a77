// Which agents take part in an active session: they may receive mail without being registered.
import type { SessionManager } from './session-manager.ts';

export class Participation {
  /** Active participants by session: what one session costs does not depend on how many others there are. */
  readonly #agentsIn = new Map<string, Set<string>>();
  /** The active sessions in which an agent takes part. */
  readonly #sessionsOf = new Map<string, Set<string>>();
  readonly #sessions: SessionManager;

  constructor(sessions: SessionManager) {
    this.#sessions = sessions;
    for (const session of sessions.getActiveSessions()) {
      for (const { agent_id, status } of session.participants) {
        if (status === 'active') this.#add(agent_id, session.session_id);
      }
    }
    sessions.on('session_created', ({ sessionId, participants }) => {
      for (const { agent_id } of participants) this.#add(agent_id, sessionId);
    });
    sessions.on('participant_added', ({ sessionId, participant }) => this.#add(participant.agent_id, sessionId));
    sessions.on('participant_removed', ({ sessionId, agent_id }) => this.#remove(agent_id, sessionId));
    sessions.on('session_completed', ({ sessionId }) => this.#end(sessionId));
    sessions.on('session_terminated', ({ sessionId }) => this.#end(sessionId));
    sessions.on('session_deleted', ({ sessionId }) => this.#end(sessionId));
  }

  /** In any active session, or in one of a user. */
  has(agentId: string, userId?: string): boolean {
    if (userId === undefined || !this.#sessionsOf.has(agentId)) return this.#sessionsOf.has(agentId);
    const filter = { user_id: userId, participant: agentId, state: 'active', limit: 1 } as const;
    return this.#sessions.listSessions(filter).items.length > 0;
  }

  /** Whether both take part in one of the active sessions. */
  shareSession(one: string, other: string): boolean {
    const [fewer, more] = [this.#sessionsOf.get(one), this.#sessionsOf.get(other)].sort(bySize);
    if (!fewer || !more) return false;
    for (const sessionId of fewer) if (more.has(sessionId)) return true;
    return false;
  }

  #add(agentId: string, sessionId: string): void {
    const agents = this.#agentsIn.get(sessionId) ?? new Set();
    if (agents.has(agentId)) return;
    this.#agentsIn.set(sessionId, agents.add(agentId));
    this.#sessionsOf.set(agentId, (this.#sessionsOf.get(agentId) ?? new Set()).add(sessionId));
  }

  #remove(agentId: string, sessionId: string): void {
    if (!this.#agentsIn.get(sessionId)?.delete(agentId)) return;
    const sessions = this.#sessionsOf.get(agentId);
    sessions?.delete(sessionId);
    if (sessions?.size === 0) this.#sessionsOf.delete(agentId);
  }

  #end(sessionId: string): void {
    for (const agentId of this.#agentsIn.get(sessionId) ?? []) this.#remove(agentId, sessionId);
    this.#agentsIn.delete(sessionId);
  }
}

function bySize(one: Set<string> | undefined, other: Set<string> | undefined): number {
  return (one?.size ?? 0) - (other?.size ?? 0);
}
