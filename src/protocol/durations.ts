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

const mostMilliseconds = 999_999_999;

/**
 * A short text that `parseDuration` reads back, in units that an envelope may carry: 300000 is `5m`.
 * What is too long to be written in milliseconds is rounded up to whole seconds.
 */
export function formatDuration(duration: number): string {
  const milliseconds = duration > mostMilliseconds ? Math.ceil(duration / 1_000) * 1_000 : duration;
  for (const unit of ['h', 'm', 's'] as const) {
    if (milliseconds % unitMilliseconds[unit] === 0) return `${milliseconds / unitMilliseconds[unit]}${unit}`;
  }
  return `${milliseconds}ms`;
}
