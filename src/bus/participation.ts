// Which agents take part in an active session: they may receive mail without being registered.
import type { SessionManager } from './session-manager.ts';

export class Participation {
  /** Active sessions by agent. */
  readonly #sessionsOf = new Map<string, Set<string>>();

  constructor(sessions: SessionManager) {
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

  has(agentId: string): boolean {
    return this.#sessionsOf.has(agentId);
  }

  #add(agentId: string, sessionId: string): void {
    const sessions = this.#sessionsOf.get(agentId) ?? new Set();
    this.#sessionsOf.set(agentId, sessions.add(sessionId));
  }

  #remove(agentId: string, sessionId: string): void {
    const sessions = this.#sessionsOf.get(agentId);
    sessions?.delete(sessionId);
    if (sessions?.size === 0) this.#sessionsOf.delete(agentId);
  }

  #end(sessionId: string): void {
    for (const agentId of [...this.#sessionsOf.keys()]) this.#remove(agentId, sessionId);
  }
}
