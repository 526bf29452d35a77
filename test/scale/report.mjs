// What was measured, beside the limits that it must keep.

export class Report {
  /** How many limits were broken. */
  broken = 0;

  /** @param {string} title */
  begin(title) {
    console.log(`\n${title}`);
  }

  /** @param {string} name @param {number} value @param {string} unit @param {{ atMost?: number, atLeast?: number }} [limit] */
  figure(name, value, unit, limit = {}) {
    const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = limit;
    const bound = 'atMost' in limit ? `<= ${shown(atMost)}` : 'atLeast' in limit ? `>= ${shown(atLeast)}` : '';
    // A figure that could not be taken keeps no limit.
    const good = bound === '' || (value <= atMost && value >= atLeast);
    if (!good) this.broken++;
    console.log(
      `  ${name.padEnd(58)} ${shown(value).padStart(10)} ${unit.padEnd(6)} ${bound}${good ? '' : '  BROKEN'}`,
    );
  }
}

/** @param {number} value */
function shown(value) {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
