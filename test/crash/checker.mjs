// Checks a client-side history and the ledger after the last drain against the invariants I1 to I7. Pure.
import { checkDelivery } from './check-delivery.mjs';
import { checkFaults } from './check-faults.mjs';
import { checkOrder } from './check-order.mjs';
import { checkStorage } from './check-storage.mjs';
import { checkTasks } from './check-tasks.mjs';
import { indexMessages } from './message-index.mjs';

/**
 * One breach: which invariant, of which message or task, and what was seen.
 * @typedef {{ invariant: string, id: string, text: string }} Violation
 */

/**
 * What the server said when everything was drained: `null` where it knows nothing.
 * @typedef {object} Final
 * @property {Record<string, StoredMessage | null>} messages By id: all that were ever sent.
 * @property {Record<string, StoredSession | null>} sessions
 */

/** @typedef {{ status: string, recipient: string, hash: string, reason?: string | undefined }} StoredMessage */
/** @typedef {{ tasks: StoredTask[], events: SessionEvent[] }} StoredSession */
/** @typedef {{ task_id: string, message_id: string | null, status: string, result?: unknown }} StoredTask */
/** @typedef {{ id: string, type: string, data: any }} SessionEvent */

/**
 * @param {readonly import('./history.mjs').HistoryEvent[]} history
 * @param {Final} final
 * @returns {Violation[]}
 */
export function check(history, final) {
  const index = indexMessages(history);
  return [
    ...checkStorage(index, final),
    ...checkDelivery(index),
    ...checkOrder(index),
    ...checkTasks(index, history, final),
    ...checkFaults(history),
  ];
}
