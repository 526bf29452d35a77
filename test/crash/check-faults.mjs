// I7: after a failed write or flush nothing is confirmed any more, and the process ends as failed.

/** @typedef {import('./checker.mjs').Violation} Violation */
/** @typedef {import('./history.mjs').HistoryEvent} HistoryEvent */

/** The clocks of two processes on one machine show the same instant within so many milliseconds. */
const clockSlack = 5;

/** @param {readonly HistoryEvent[]} history @returns {Violation[]} */
export function checkFaults(history) {
  return splitRuns(history).flatMap(checkRun);
}

/** @param {readonly HistoryEvent[]} history */
function splitRuns(history) {
  /** @type {HistoryEvent[][]} */
  const runs = [];
  for (const event of history) {
    if (event.kind === 'start') runs.push([]);
    runs.at(-1)?.push(event);
  }
  return runs;
}

/** @param {HistoryEvent[]} run @returns {Violation[]} */
function checkRun(run) {
  const fault = run.find((event) => event.kind === 'fault')?.t ?? Number.POSITIVE_INFINITY;
  /** @type {Violation[]} */
  const violations = [];
  /** Calls that were made when the store had failed already. @type {Set<string>} */
  const doomed = new Set();
  let failed = false;
  for (const event of run) {
    const isLate = failed || (event.t ?? 0) > fault + clockSlack;
    if (event.kind === 'send' && isLate) doomed.add(`${event.id} ${event.attempt}`);
    if (event.kind === 'ack' && isLate) for (const id of event.ids) doomed.add(`${id} ack`);
    if (event.kind === 'nack' && isLate) doomed.add(`${event.id} ack`);
    if (event.kind === 'exit' && event.code === 0 && (failed || fault < Number.POSITIVE_INFINITY)) {
      violations.push({ invariant: 'I7', id: '-', text: 'the process ended with 0 after its store had failed' });
    }
    if (!('result' in event)) continue;
    if ('code' in event && event.code === 'STORE_FAILED') failed = true;
    if (event.result !== 'ok') continue;
    const calls =
      event.kind === 'receipt' && !event.duplicate
        ? [`${event.id} ${event.attempt}`]
        : idsSettledBy(event).map((id) => `${id} ack`);
    for (const call of calls.filter((one) => doomed.has(one))) {
      violations.push({
        invariant: 'I7',
        id: call,
        text: 'was confirmed, and was asked for after the store had failed',
      });
    }
  }
  return violations;
}

/** @param {HistoryEvent} event */
function idsSettledBy(event) {
  if (event.kind === 'acked') return event.ids;
  return event.kind === 'nacked' ? [event.id] : [];
}
