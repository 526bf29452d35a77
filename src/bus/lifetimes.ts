// How long keys and tokens live, read from what was asked for.
import { parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import type { Rotate } from '../protocol/types.gen.ts';

const longest = parseDuration('3650d');
const defaultOverlap = '24h';

/** Milliseconds. @throws BusError VALIDATION_FAILED beyond ten years */
export function lifetimeOf(field: string, text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds <= longest) return milliseconds;
  const message = 'must be at most 3650d';
  throw new BusError('VALIDATION_FAILED', `The body is not valid. /${field}: ${message}.`, {
    details: [{ path: `/${field}`, message }],
  });
}

/** Milliseconds. @throws BusError VALIDATION_FAILED beyond ten years */
export function overlapOf({ overlap = defaultOverlap }: Rotate): number {
  return overlap === '0s' ? 0 : lifetimeOf('overlap', overlap);
}
