// The session of a task keeps how often its request had to be delivered again.
import type { LedgerEntry } from '../ports/mailbox-store.ts';
import type { SessionManager } from './session-manager.ts';

/** Resolves when it is durable; what is no request of a session stays as it is. @throws BusError STORE_FAILED, SHUTTING_DOWN */
export async function recordRetry(
  sessions: SessionManager,
  { messageId, facts, attempts }: LedgerEntry,
): Promise<void> {
  const { outcome, reason } = attempts.at(-1) ?? {};
  if (facts.sessionId === undefined || facts.task === undefined) return;
  if (outcome !== 'nacked' && outcome !== 'lease_expired') return;
  await sessions.messageRetried(facts.sessionId, messageId, { outcome, ...(reason !== undefined && { reason }) });
}
