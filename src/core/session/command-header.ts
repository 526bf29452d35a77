// What every command of a session carries.
import type { SessionId, Timestamp } from '../../protocol/types.gen.ts';

export interface CommandHeader {
  session_id: SessionId;
  /** When it is decided; UTC with milliseconds. */
  at: Timestamp;
}
