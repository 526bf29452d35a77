// I1, nothing accepted is lost. I2, one copy for each id. I5 as far as the ledger shows it: what is stored is what was sent.

/** After so many nacks a message may have used up its retries. */
export const maxRetries = 20;

/** @typedef {import('./message-index.mjs').Message} Message */
/** @typedef {import('./checker.mjs').Violation} Violation */

/**
 * @param {import('./message-index.mjs').MessageIndex} index
 * @param {import('./checker.mjs').Final} final
 * @returns {Violation[]}
 */
export function checkStorage({ messages }, final) {
  /** @type {Violation[]} */
  const violations = [];
  for (const message of messages.values()) {
    const stored = final.messages[message.id] ?? undefined;
    const { id } = message;
    const lost = lossOf(message, stored);
    if (lost) violations.push({ invariant: 'I1', id, text: lost });
    const copied = copyOf(message);
    if (copied) violations.push({ invariant: 'I2', id, text: copied });
    const altered = stored && alterationOf(message, stored);
    if (altered) violations.push({ invariant: 'I5', id, text: altered });
  }
  return violations;
}

/** @param {Message} message @param {import('./checker.mjs').StoredMessage | undefined} stored */
function lossOf(message, stored) {
  if (!stored) return message.receipts.length > 0 ? 'was accepted, and the ledger does not know it' : undefined;
  switch (stored.status) {
    case 'acknowledged':
      if (!message.acked) return 'is acknowledged, and nobody acked it';
      return message.deliveries.length === 0 ? 'is acknowledged, and nobody was given it' : undefined;
    case 'dead':
      if (!stored.reason) return 'is dead without a reason';
      if (message.givenUp || message.nacks > maxRetries) return undefined;
      return `died of "${stored.reason}", and no recipient gave it up`;
    default:
      return `is still ${stored.status} after the drain`;
  }
}

/** @param {Message} message */
function copyOf({ sends, receipts }) {
  const conflicts = new Set(sends.filter(({ event }) => event.conflict).map(({ event }) => event.attempt));
  const accepted = receipts.filter(({ duplicate }) => !duplicate);
  if (receipts.some(({ attempt }) => conflicts.has(attempt))) return 'was accepted a second time with other content';
  if (accepted.length > 1) return `was accepted ${accepted.length} times as if it were new`;
  // A receipt may overtake the answer to an earlier sending, which is then the duplicate.
  if (sends.length === 1 && accepted.length === 0 && receipts.length > 0) return 'was sent once and called a duplicate';
  return undefined;
}

/** @param {Message} message @param {import('./checker.mjs').StoredMessage} stored */
function alterationOf({ sends }, stored) {
  const sent = sends.find(({ event }) => !event.conflict)?.event;
  if (!sent) return 'is stored, and nobody sent it';
  if (sent.hash !== stored.hash) return 'is stored with other content than was sent';
  return sent.recipient === stored.recipient ? undefined : `lies in the mailbox of ${stored.recipient}`;
}
