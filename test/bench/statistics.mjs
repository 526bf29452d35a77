// Medians and spreads of rounds.

/** @param {number[]} values At least one. @param {number} share 0 the smallest, 0.5 the median, 1 the largest. */
export function quantile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/** @param {number[]} values */
export function spread(values) {
  return {
    median: median(values),
    min: quantile(values, 0),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
    max: quantile(values, 1),
  };
}

/** The median, or undefined where the system did not tell. @param {(number | undefined)[]} values */
export function medianOfKnown(values) {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? median(known) : undefined;
}
