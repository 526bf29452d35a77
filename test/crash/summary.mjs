// The figures of a run.
import { indexMessages } from './message-index.mjs';

const shownOfEach = 5;

/** @typedef {ReturnType<typeof summarize>} Summary */

/** @param {readonly import('./history.mjs').HistoryEvent[]} history */
export function summarize(history) {
  const { messages } = indexMessages(history);
  const figures = {
    sent: 0,
    accepted: 0,
    delivered: 0,
    redelivered: 0,
    duplicates: 0,
    unsure: 0,
    confirmed: 0,
  };
  for (const { sends, receipts, deliveries, settledAt } of messages.values()) {
    if (sends.length > 0) figures.sent++;
    if (receipts.length > 0) figures.accepted++;
    else if (sends.length > 0) figures.unsure++;
    if (deliveries.length > 0) figures.delivered++;
    figures.redelivered += Math.max(0, deliveries.length - 1);
    figures.duplicates += receipts.filter(({ duplicate }) => duplicate).length;
    if (settledAt !== undefined) figures.confirmed++;
  }
  return figures;
}

/** @param {Summary} figures */
export function renderSummary({ sent, accepted, delivered, redelivered, duplicates, unsure, confirmed }) {
  return [
    `${sent} messages sent, ${accepted} accepted, ${unsure} never answered with yes, ${duplicates} repeats recognised`,
    `${delivered} delivered, ${redelivered} times again, ${confirmed} ends confirmed`,
  ].join('\n');
}

/** @param {readonly number[]} values */
export function renderRestarts(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return `restart until ready: median ${median.toFixed(0)} ms, longest ${(sorted.at(-1) ?? 0).toFixed(0)} ms`;
}

/** The first few of each invariant. @param {readonly import('./checker.mjs').Violation[]} violations */
export function renderViolations(violations) {
  const invariants = [...new Set(violations.map(({ invariant }) => invariant))].sort();
  return invariants
    .flatMap((name) => {
      const broken = violations.filter(({ invariant }) => invariant === name);
      const shown = broken.slice(0, shownOfEach).map(({ id, text }) => `  ${name} ${id} ${text}`);
      const rest = broken.length - shown.length;
      return rest > 0 ? [...shown, `  ${name} and ${rest} more`] : shown;
    })
    .join('\n');
}
