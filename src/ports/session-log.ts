// The append-only log of session events, one stream per session.
import type { SessionEvent } from '../protocol/types.gen.ts';

export interface SessionLog {
  /**
   * Appends to the end of one session's stream; `expectedVersion` is the id of the last event the caller has seen, 0 for a new session.
   * All events of one call are in one commit. Calls for one session take effect in the order they were made, and may be made
   * without waiting for those before: after one was refused, all are, until the session is read.
   * @returns a promise that resolves when the events were flushed (where the store persists at all).
   * @throws BusError VERSION_MISMATCH where another writer was first: nothing was appended; STORE_FAILED after a failed write.
   */
  append(sessionId: string, expectedVersion: number, events: readonly SessionEvent[]): Promise<void>;

  /**
   * Events with an id above `afterVersion`, oldest first: at most `limit`, and fewer where they are large, but one where
   * there is one. Empty for an unknown session.
   */
  read(sessionId: string, afterVersion: number, limit: number): Promise<SessionEvent[]>;

  /** Ids of all sessions that have events. */
  sessionIds(): Promise<string[]>;

  /** Forgets a session and its events. */
  remove(sessionId: string): Promise<void>;
}
