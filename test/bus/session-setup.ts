// A session manager on a log in memory and a clock that stands still.
import { expect } from 'vitest';
import { SessionManager } from '../../src/bus/session-manager.ts';
import type { SessionManagerOptions } from '../../src/bus/session-options.ts';
import { newId } from '../../src/protocol/ids.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemorySessionLog } from '../support/memory-session-log.ts';

export const lead = 'claude-code://orchestrator';
export const backend = 'opencode://backend';
export const frontend = 'codex://frontend';
export const qa = 'claude-code://qa';

export const hour = 3_600_000;

export async function open(options: Partial<SessionManagerOptions> = {}) {
  const log = (options.log ?? new MemorySessionLog()) as MemorySessionLog;
  const clock = (options.clock ?? new ManualClock()) as ManualClock;
  const sessions = new SessionManager({
    newId,
    sessionTimeoutMs: 24 * hour,
    autoAdvance: true,
    defaultTaskTimeoutMs: 300_000,
    retentionMs: 7 * 24 * hour,
    ...options,
    log,
    clock,
  });
  await sessions.load();
  return { log, clock, sessions };
}

export function createTutorial(sessions: SessionManager, sessionId?: string): string {
  return sessions.createSession({
    orchestrator: lead,
    participants: [
      { agent_id: backend, role: 'implementer' },
      { agent_id: frontend, role: 'implementer' },
      { agent_id: qa, role: 'reviewer' },
    ],
    workflow: [
      { name: 'design', required_agents: [lead] },
      { name: 'implementation', required_agents: [backend, frontend] },
      { name: 'review', required_agents: [qa] },
    ],
    ...(sessionId === undefined ? {} : { sessionId }),
  });
}

let messages = 0;

/** A message of a session, with an id of its own unless one is given. */
export function message(session_id: string, message_type: 'task_request' | 'task_response', from: string, to: string) {
  messages += 1;
  return {
    session_id,
    message_id: `msg_${messages}`,
    message_type,
    sender: from,
    recipient: to,
    priority: 'medium' as const,
    payload: { n: messages } as unknown,
    deadline: Date.UTC(2025, 1, 2, 11, 5),
  };
}

export const refused = (code: string) => expect.objectContaining({ name: 'BusError', code });

/** Lets every promise that can go on do so. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
