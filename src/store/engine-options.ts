// What a mailbox engine is given beside its shelf: limits, time and chance.
import type { Clock } from '../ports/clock.ts';
import type { MailboxLimits } from './limits.ts';

export interface EngineOptions extends MailboxLimits {
  clock: Clock;
  /** 0 to 1; Math.random where time is real. */
  random: () => number;
  /** True while there is room for acks only. */
  isFull?: () => boolean;
}
