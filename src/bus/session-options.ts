// What a session manager is made with.
import type { Clock } from '../ports/clock.ts';
import type { SessionLog } from '../ports/session-log.ts';
import type { CommandDefaults } from './session-commands.ts';
import type { SessionLifetimes } from './session-timers.ts';

export interface SessionManagerOptions extends SessionLifetimes, Omit<CommandDefaults, 'maxParticipants'> {
  log: SessionLog;
  clock: Clock;
  /** Most active participants of a session, 256 where left out. */
  maxParticipants?: number;
}
