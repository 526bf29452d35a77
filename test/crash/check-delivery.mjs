// I3, nothing comes again after its ack was confirmed. I5, what is delivered is what was sent, to whom it was sent.

/** @typedef {import('./checker.mjs').Violation} Violation */

/** @param {import('./message-index.mjs').MessageIndex} index @returns {Violation[]} */
export function checkDelivery({ messages }) {
  /** @type {Violation[]} */
  const violations = [];
  for (const { id, sends, deliveries, settledAt } of messages.values()) {
    const late = deliveries.filter(({ at }) => settledAt !== undefined && at > settledAt);
    if (late.length > 0) {
      const doors = late.map(({ event }) => event.door).join(', ');
      violations.push({ invariant: 'I3', id, text: `was delivered after its end was confirmed (${doors})` });
    }
    for (const { at, event } of deliveries) {
      const text = strangenessOf(event, sends.find((send) => !send.event.conflict && send.at < at)?.event);
      if (text) violations.push({ invariant: 'I5', id, text });
    }
  }
  return violations;
}

/**
 * @param {import('./history.mjs').DeliveryEvent} delivery
 * @param {import('./history.mjs').SendEvent | undefined} sent
 */
function strangenessOf(delivery, sent) {
  if (!sent) return `was delivered to ${delivery.agent}, and nobody had sent it`;
  if (delivery.hash !== sent.hash) return `was delivered to ${delivery.agent} with other content than was sent`;
  if (delivery.agent !== sent.recipient) return `was delivered to ${delivery.agent} instead of ${sent.recipient}`;
  return undefined;
}
