// Deep copies of JSON values, and the limit on how deep a value from outside may be.
import { BusError } from '../../protocol/errors.ts';

/** Everything that walks a value recurses; this keeps each of them far from the end of the stack. */
const deepestNesting = 100;

/** A copy that shares nothing with the original. Takes what `JSON.parse` may return. */
export function copyJson<T>(value: T): T {
  return copyValue(value, Number.POSITIVE_INFINITY) as T;
}

/** A copy of what came from outside. @throws BusError VALIDATION_FAILED for a value nested deeper than 100 levels */
export function boundedCopy(value: unknown): unknown {
  return copyValue(value, deepestNesting);
}

function copyValue(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) {
    throw new BusError('VALIDATION_FAILED', `A value is nested deeper than ${deepestNesting} levels; flatten it.`);
  }
  if (Array.isArray(value)) return value.map((item) => copyValue(item, levels - 1));
  // fromEntries defines properties, so that a key `__proto__` stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyValue(item, levels - 1)]));
}
