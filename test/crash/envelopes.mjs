// The mail of a run: who writes to whom, what it says, and the fingerprint by which it is known again.
import { createHash } from 'node:crypto';
import { maxRetries } from './check-storage.mjs';

export const socketSenders = ['load://socket-sender-1', 'load://socket-sender-2'];
export const httpSenders = ['load://http-sender-1', 'load://http-sender-2'];
export const socketReceivers = ['load://socket-receiver-1', 'load://socket-receiver-2'];
export const httpReceivers = ['load://http-receiver-1', 'load://http-receiver-2'];
const senders = [...socketSenders, ...httpSenders];
const receivers = [...socketReceivers, ...httpReceivers];
export const agents = [...senders, ...receivers];

const letters = 'abcdefghij klmnopqrst uvwxyz äöü 世界 🚌 "quoted" \\ \u2028';

/**
 * @typedef {object} Envelope
 * @property {string} message_id
 * @property {string} timestamp
 * @property {{ agent_id: string, framework: string, session_id?: string }} sender
 * @property {{ agent_id: string, framework: string }} recipient
 * @property {string} message_type
 * @property {string} priority
 * @property {unknown} payload
 * @property {object} routing
 * @property {Record<string, string>} [metadata]
 */

const taskSuffix = '.task';

/** A maker of one sender's envelopes. @param {string} sender @param {import('./random.mjs').Random} random */
export function createWriter(sender, random) {
  const name = sender.slice(sender.indexOf('//') + 2);
  let count = 0;
  /**
   * @param {{ type: string, recipient: string, session?: string, asTask?: boolean, metadata?: Record<string, string> }} to
   * @returns {Envelope}
   */
  const write = ({ type, recipient, session, asTask, metadata }) => ({
    message_id: `${name}.${++count}`,
    timestamp: new Date().toISOString(),
    sender: { agent_id: sender, framework: 'load', ...(session !== undefined && { session_id: session }) },
    recipient: { agent_id: recipient, framework: 'load' },
    message_type: type,
    priority: random.pick(['low', 'medium', 'medium', 'medium', 'high', 'critical']),
    payload: {
      count,
      text: letters.repeat(random.between(1, 20)),
      numbers: [random.between(0, 2 ** 31 - 1), 0.5, null],
    },
    routing: {
      timeout: '12h',
      retry_policy: { max_retries: maxRetries, backoff: 'linear' },
      delivery_mode: 'async',
    },
    ...(asTask && { metadata: { task_id: `${name}.${count}${taskSuffix}` } }),
    ...(metadata && { metadata }),
  });
  return {
    write,
    /** Mail for any receiver; with a session, one in eight asks for work. @param {string | undefined} session */
    next: (session) =>
      session !== undefined && random.chance(1 / 8)
        ? write({ type: 'task_request', recipient: random.pick(receivers), session, asTask: true })
        : write({ type: 'status_update', recipient: random.pick(receivers) }),
  };
}

/** What must arrive as it was sent. @param {Envelope} envelope */
export function fingerprintOf({ message_id, timestamp, sender, recipient, message_type, priority, payload, metadata }) {
  // The stamp is what the bus says, and not the sender.
  const { bus: _, ...said } = metadata ?? {};
  const fields = [message_id, timestamp, sender, recipient, message_type, priority, payload, said];
  return createHash('sha256').update(JSON.stringify(fields)).digest('base64url').slice(0, 22);
}

/** What the history says of a task message. @param {Envelope} envelope */
export function taskOf({ sender, message_type, metadata }) {
  if (sender.session_id === undefined) return undefined;
  if (message_type === 'task_request') return { session: sender.session_id, role: /** @type {const} */ ('request') };
  const request = metadata?.in_reply_to ?? metadata?.task_id?.slice(0, -taskSuffix.length);
  return {
    session: sender.session_id,
    role: /** @type {const} */ ('response'),
    ...(request !== undefined && { request }),
  };
}
