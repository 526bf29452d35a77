// Durations as people write them: a whole number and a unit.

const unitMilliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const pattern = /^([1-9][0-9]{0,8})(ms|s|m|h|d)$/;

/**
 * Milliseconds of `250ms`, `300s`, `5m`, `1h` or `7d`.
 * @throws RangeError for any other text; the schemas refuse it before it gets here.
 */
export function parseDuration(text: string): number {
  const match = pattern.exec(text);
  if (!match) throw new RangeError(`not a duration: ${JSON.stringify(text)}`);
  return Number(match[1]) * unitMilliseconds[match[2] as keyof typeof unitMilliseconds];
}

const largestNumber = 999_999_999;

/**
 * A short text that `parseDuration` reads back, in units that an envelope may carry: 300000 is `5m`.
 * What is too long to be written in a unit is rounded up to the next larger one, or down to the longest there is.
 */
export function formatDuration(duration: number): string {
  const { h } = unitMilliseconds;
  const bounded = Math.min(duration, largestNumber * h);
  const finest = (['ms', 's', 'm', 'h'] as const).find((unit) => bounded <= largestNumber * unitMilliseconds[unit]);
  const step = unitMilliseconds[finest ?? 'h'];
  return inUnits(Math.ceil(bounded / step) * step, ['h', 'm', 's']);
}

/** The same, exactly, for a setting, which may be in days as well (604800000 is `7d`), or a number where no unit fits. */
export function formatSetting(milliseconds: number): string | number {
  const isTooLong = milliseconds > largestNumber && milliseconds % unitMilliseconds.s !== 0;
  return isTooLong ? milliseconds : inUnits(milliseconds, ['d', 'h', 'm', 's']);
}

function inUnits(milliseconds: number, units: readonly (keyof typeof unitMilliseconds)[]): string {
  for (const unit of units) {
    if (milliseconds % unitMilliseconds[unit] === 0) return `${milliseconds / unitMilliseconds[unit]}${unit}`;
  }
  return `${milliseconds}ms`;
}
