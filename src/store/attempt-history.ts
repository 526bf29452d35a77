// What is kept of a message's attempts: how it began, and what happened last; a message may be offered without end.
import type { EntryRecord, StoredAttempt } from './entry-record.ts';

/** The numbers of those that are kept from the beginning are these and below. */
const firstKept = 5;
const lastKept = 50;

type History = Pick<EntryRecord, 'attempts' | 'attemptsLeftOut'>;

export function addAttempt(history: History, attempt: StoredAttempt): void {
  // A list of just this length: nearly every message has one attempt, and one that grows has room for many.
  history.attempts = history.attempts.length === 0 ? [attempt] : history.attempts.concat(attempt);
  if (history.attempts.length <= firstKept + lastKept) return;
  history.attempts = history.attempts.filter((_kept, index) => index !== firstKept);
  history.attemptsLeftOut++;
}

/** The number of the latest attempt; 0 where there was none. */
export function attemptCount({ attempts, attemptsLeftOut }: History): number {
  return attempts.length + attemptsLeftOut;
}

/** The number, from 1, of the attempt that is kept at this index. */
export function attemptNumber({ attemptsLeftOut }: History, index: number): number {
  return index + 1 + (index < firstKept ? 0 : attemptsLeftOut);
}
