// How a turn that brought no reply is recorded.
import type { EndChatTurnCommand } from '../core/session/commands.ts';
import { BusError, type ErrorCode, errorTable } from '../protocol/errors.ts';

export type Outcome = EndChatTurnCommand['outcome'];

/** The code only: what else an error says may be words of a provider, and hold anything. */
export function failedOutcome(reason: unknown): Outcome {
  const code = reason instanceof BusError ? reason.code : 'INTERNAL';
  if (code === 'CHAT_ABORTED') return { status: 'aborted' };
  if (code === 'SHUTTING_DOWN') return { status: 'interrupted' };
  return { status: code === 'CHAT_TIMEOUT' ? 'timed_out' : 'failed', error: errorOf(code) };
}

function errorOf(code: ErrorCode): NonNullable<Outcome['error']> {
  return { code, message: `${errorTable[code].title}.` };
}
