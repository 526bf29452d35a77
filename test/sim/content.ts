// Whether two texts of an envelope say the same.
import type { CompleteEnvelope } from '../../src/protocol/types.gen.ts';
import type { Sent } from './known-message.ts';

export function sameContent(one: Sent, other: Sent): boolean {
  return JSON.stringify(one.envelope) === JSON.stringify(other.envelope);
}

/** Whether the complete envelope says what was sent. */
export function isSaid({ envelope }: Sent, complete: CompleteEnvelope): boolean {
  return isPartOf(envelope, complete);
}

function isPartOf(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === whole;
  if (typeof whole !== 'object' || whole === null || Array.isArray(part) !== Array.isArray(whole)) return false;
  const all = whole as Record<string, unknown>;
  return Object.entries(part).every(([key, value]) => isPartOf(value, all[key]));
}
