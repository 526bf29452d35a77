// What was measured, beside the limits that it must keep.
import { slowness } from '../support/pace.mjs';

/** Units of time: what they say depends on what else the machine does. */
const timed = ['ms', '/s'];

export class Report {
  /** How many limits were broken. */
  broken = 0;
  #slowness;

  /** @param {() => number} [slownessNow] How many times slower than usual the machine is. */
  constructor(slownessNow = slowness) {
    this.#slowness = slownessNow;
  }

  /** @param {string} title */
  begin(title) {
    console.log(`\n${title}`);
  }

  /** @param {string} name @param {number} value @param {string} unit @param {{ atMost?: number, atLeast?: number }} [limit] */
  figure(name, value, unit, limit = {}) {
    const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = limit;
    const bound = 'atMost' in limit ? `<= ${shown(atMost)}` : 'atLeast' in limit ? `>= ${shown(atLeast)}` : '';
    // A figure that could not be taken keeps no limit.
    const isWithin = (/** @type {number} */ factor) => value <= atMost * factor && value >= atLeast / factor;
    const factor = bound === '' || isWithin(1) || !timed.includes(unit) ? 1 : this.#slowness();
    const good = bound === '' || isWithin(factor);
    if (!good) this.broken++;
    const excuse = factor > 1 ? `, of a machine that is ${shown(factor)} times slower now` : '';
    console.log(
      `  ${name.padEnd(58)} ${shown(value).padStart(10)} ${unit.padEnd(6)} ${bound}${excuse}${good ? '' : '  BROKEN'}`,
    );
  }
}

/** @param {number} value */
function shown(value) {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
