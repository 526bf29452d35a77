// The audit trail as it is configured, and the one deed in it that nobody asked for.
import type { Logger } from 'pino';
import { AuditTrail } from '../bus/audit-trail.ts';
import type { SessionsView } from '../bus/sessions-view.ts';
import type { BusConfig } from '../config/config.ts';
import { systemClock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';

export function openAudit(config: BusConfig, store: Store, log: Logger): AuditTrail {
  return new AuditTrail({
    log: store.audit,
    clock: systemClock,
    retentionMs: config.auditRetention,
    onError: (error) => log.error({ err: error }, 'the audit log cannot be written, or an entry of it is damaged'),
  });
}

/** Sessions that end of themselves are ended by the bus. */
export function recordTimeouts(sessions: SessionsView, audit: AuditTrail): void {
  sessions.on('session_terminated', ({ sessionId, workspaceId, reason }) => {
    if (reason !== 'timeout') return;
    audit.record({ action: 'session_terminated', actor: 'bus', workspace_id: workspaceId, session_id: sessionId });
  });
}
