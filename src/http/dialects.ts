// The two ways in which a socket is spoken to: the subprotocol agent-bus.v1, and plain envelopes.
import type { BusError } from '../protocol/errors.ts';
import { busAgentId, frameworkOf, newId } from '../protocol/ids.ts';
import type { AnyReceipt, CompleteEnvelope, HelloFrame, MessageId } from '../protocol/types.gen.ts';
import { validatorOf } from '../schema/registry.ts';
import { receiptText } from './receipt-text.ts';

export const subprotocol = 'agent-bus.v1';

/** What the server writes, as text; `undefined` where the dialect has no word for it. */
export interface Dialect {
  /** False where the socket taking a frame settles it. */
  readonly acks: boolean;
  hello(hello: Omit<HelloFrame, 'type'>): string | undefined;
  accepted(receipts: readonly AnyReceipt[]): string | undefined;
  rejected(error: BusError, messageId: string | undefined): string;
  draining(): string | undefined;
}

const isMessageId = validatorOf<MessageId>('MessageId');

const framed: Dialect = {
  acks: true,
  hello: (hello) => JSON.stringify({ type: 'hello', ...hello }),
  accepted: (receipts) => `{"type":"accepted","receipts":[${receipts.map(receiptText).join(',')}]}`,
  rejected: (error, message_id) =>
    JSON.stringify({
      type: 'rejected',
      message_id,
      code: error.code,
      error: error.message,
      retryable: error.retryable,
      ...(error.details.length > 0 && { errors: error.details }),
    }),
  draining: () => JSON.stringify({ type: 'draining' }),
};

function plainTo(agentId: string): Dialect {
  return {
    acks: false,
    hello: () => undefined,
    accepted: () => undefined,
    rejected: (error, messageId) => JSON.stringify(errorEnvelope(agentId, error, messageId)),
    draining: () => undefined,
  };
}

export function dialectOf(protocol: string, agentId: string): Dialect {
  return protocol === subprotocol ? framed : plainTo(agentId);
}

function errorEnvelope(agentId: string, error: BusError, messageId: string | undefined): CompleteEnvelope {
  const { code, message, details, retryable } = error;
  return {
    message_id: newId('msg'),
    timestamp: new Date().toISOString(),
    sender: { agent_id: busAgentId, framework: frameworkOf(busAgentId) },
    recipient: { agent_id: agentId, framework: frameworkOf(agentId) },
    message_type: 'error',
    priority: 'high',
    payload: { code, error: message, retryable, ...(details.length > 0 && { errors: details }) },
    routing: { timeout: '1m', retry_policy: { max_retries: 0, backoff: 'linear' }, delivery_mode: 'async' },
    // What was refused may not even have had a valid id.
    ...(isMessageId(messageId) && { metadata: { in_reply_to: messageId } }),
  };
}
