// RFC 3339 text of an instant.
import type { Timestamp } from '../../protocol/types.gen.ts';

/** Later years have five digits, which RFC 3339 does not know and which sort wrongly as text. */
const lastInstant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** UTC with milliseconds, so that texts compare like instants; ends with the year 9999. */
export function timestampOf(milliseconds: number): Timestamp {
  return new Date(Math.min(milliseconds, lastInstant)).toISOString();
}
