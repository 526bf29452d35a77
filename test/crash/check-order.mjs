// I4: first offers keep the order of acceptance inside (mailbox, priority); attempts count upwards.

/** @typedef {import('./message-index.mjs').Message} Message */
/** @typedef {import('./checker.mjs').Violation} Violation */

/** @param {import('./message-index.mjs').MessageIndex} index @returns {Violation[]} */
export function checkOrder({ messages }) {
  /** @type {Map<string, Message[]>} */
  const lanes = new Map();
  /** @type {Violation[]} */
  const violations = [];
  for (const message of messages.values()) {
    const sent = message.sends[0]?.event;
    if (!sent || message.deliveries.length === 0) continue;
    violations.push(...repeatedAttempts(message));
    const lane = `${sent.recipient} ${sent.priority}`;
    lanes.set(lane, [...(lanes.get(lane) ?? []), message]);
  }
  for (const lane of lanes.values()) {
    lane.sort((a, b) => firstDelivery(a) - firstDelivery(b));
    violations.push(...overtakenInTime(lane), ...overtakenOnConnection(lane));
  }
  return violations;
}

/** @param {Message} message */
const firstDelivery = ({ deliveries }) => deliveries[0]?.at ?? Number.POSITIVE_INFINITY;

/**
 * Accepted before the other was sent at all, and delivered after it.
 * @param {Message[]} lane In the order of delivery. @returns {Violation[]}
 */
function overtakenInTime(lane) {
  /** @type {{ at: number, id: string }} */
  let latest = { at: -1, id: '' };
  return lane.flatMap(({ id, sends, receipts }) => {
    const acceptedAt = receipts[0]?.at ?? Number.POSITIVE_INFINITY;
    const before = latest;
    const sentAt = sends[0]?.at ?? -1;
    if (sentAt > latest.at) latest = { at: sentAt, id };
    if (acceptedAt >= before.at) return [];
    return [
      { invariant: 'I4', id, text: `was first delivered after ${before.id}, which was sent after its acceptance` },
    ];
  });
}

/**
 * Sent before the other on the same connection. Ids that were sent again may have been accepted at any time.
 * @param {Message[]} lane In the order of delivery. @returns {Violation[]}
 */
function overtakenOnConnection(lane) {
  /** @type {Map<string, { at: number, id: string }>} */
  const latest = new Map();
  return lane.flatMap(({ id, sends }) => {
    const [sent, again] = sends;
    if (!sent || again) return [];
    const before = latest.get(sent.event.connection);
    if (!before || sent.at > before.at) latest.set(sent.event.connection, { at: sent.at, id });
    if (!before || sent.at > before.at) return [];
    return [{ invariant: 'I4', id, text: `was first delivered after ${before.id}, sent later on the same connection` }];
  });
}

/** @param {Message} message @returns {Violation[]} */
function repeatedAttempts({ id, deliveries }) {
  return deliveries.flatMap(({ event: { attempt } }, index) => {
    const before = deliveries.slice(0, index).findLast((earlier) => earlier.event.attempt !== undefined);
    if (attempt === undefined || before?.event.attempt === undefined || attempt > before.event.attempt) return [];
    return [{ invariant: 'I4', id, text: `came as attempt ${attempt} after attempt ${before.event.attempt}` }];
  });
}
