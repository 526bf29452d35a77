// What the senders and receivers of every peer have in common.

/** Un-acked messages that a server hands to one receiver: what the bus does by default. */
export const windowOfReceiver = 256;

/**
 * @typedef {object} SenderOptions
 * @property {import('../round.mjs').Target} target
 * @property {string} run
 * @property {string} queue
 * @property {object} envelope
 * @property {number} window Messages that may be un-accepted.
 * @property {import('../http-lane.mjs').LaneEvents} events
 */

/**
 * @typedef {object} ReceiverOptions
 * @property {import('../round.mjs').Target} target
 * @property {string} run
 * @property {string} queue
 * @property {object} envelope What every message of the queue is, but for its id.
 * @property {{ delivered: (counter: number) => void, acked: (count: number) => void, failed: (error: Error) => void }} events
 */
