// Everything that outlives a turn, opened and closed together.
import type { AgentStore } from './agent-store.ts';
import type { AuditLog } from './audit-log.ts';
import type { KeyStore } from './key-store.ts';
import type { MailboxStore } from './mailbox-store.ts';
import type { SessionLog } from './session-log.ts';

export interface Store {
  readonly mailboxes: MailboxStore;
  readonly sessions: SessionLog;
  readonly agents: AgentStore;
  readonly audit: AuditLog;
  readonly keys: KeyStore;
  /** Called once, with the first failed write or flush. Nothing is accepted afterwards. */
  onFailure(listener: (cause: unknown) => void): void;
  /** Resolves when all that was accepted is flushed and the files are closed. Twice is once. */
  close(): Promise<void>;
}
