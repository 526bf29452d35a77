// The history turned round: everything that is known of one message, with its place in the history.

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {{ at: number, event: import('./history.mjs').SendEvent }[]} sends
 * @property {{ at: number, run: number, attempt: number, duplicate: boolean, task: string | undefined }[]} receipts
 *   Those that said yes.
 * @property {{ at: number, run: number, event: import('./history.mjs').DeliveryEvent }[]} deliveries
 * @property {boolean} acked Whether an ack was sent.
 * @property {number} nacks
 * @property {boolean} givenUp Whether a nack gave it up.
 * @property {number | undefined} settledAt Where the server confirmed its ack or that it was given up.
 */

/** @typedef {{ messages: Map<string, Message>, runs: number }} MessageIndex */

/** @param {readonly import('./history.mjs').HistoryEvent[]} history @returns {MessageIndex} */
export function indexMessages(history) {
  /** @type {Map<string, Message>} */
  const messages = new Map();
  /** @param {string} id */
  const messageOf = (id) => {
    let message = messages.get(id);
    if (!message) {
      message = {
        ...{ id, sends: [], receipts: [], deliveries: [] },
        ...{ acked: false, nacks: 0, givenUp: false, settledAt: undefined },
      };
      messages.set(id, message);
    }
    return message;
  };
  let run = 0;
  for (const [at, event] of history.entries()) {
    switch (event.kind) {
      case 'start':
        run++;
        break;
      case 'send':
        messageOf(event.id).sends.push({ at, event });
        break;
      case 'receipt': {
        const { attempt, duplicate = false, task } = event;
        if (event.result === 'ok') messageOf(event.id).receipts.push({ at, run, attempt, duplicate, task });
        break;
      }
      case 'delivery':
        messageOf(event.id).deliveries.push({ at, run, event });
        break;
      case 'ack':
        for (const id of event.ids) messageOf(id).acked = true;
        break;
      case 'acked':
        if (event.result === 'ok') for (const id of event.ids) messageOf(id).settledAt ??= at;
        break;
      case 'nack':
        messageOf(event.id).nacks++;
        messageOf(event.id).givenUp ||= event.giveUp;
        break;
      case 'nacked':
        if (event.result === 'ok' && event.giveUp) messageOf(event.id).settledAt ??= at;
        break;
    }
  }
  return { messages, runs: run };
}
