// Fills in what a sender may leave out.
import { frameworkOf } from '../../protocol/ids.ts';
import type { CompleteEnvelope, Envelope, Recipient } from '../../protocol/types.gen.ts';

export interface EnvelopeDefaults {
  messageId: string;
  /** RFC 3339. */
  timestamp: string;
  /** Of `routing.timeout`, as an envelope writes it. */
  timeout: string;
}

/** The envelope with its defaults; `filled` is false where nothing was missing and the sent bytes can travel on. */
export function completeEnvelope(
  sent: Envelope,
  defaults: EnvelopeDefaults,
): { envelope: CompleteEnvelope; filled: boolean } {
  if (isComplete(sent)) return { envelope: sent as CompleteEnvelope, filled: false };
  const { sender, recipient, routing = {} } = sent;
  const {
    timeout = defaults.timeout,
    retry_policy = {},
    fallback_agents,
    delivery_mode = 'async',
    deliver_after,
  } = routing;
  const { max_retries = 3, backoff = 'exponential' } = retry_policy;
  const envelope: CompleteEnvelope = {
    message_id: sent.message_id ?? defaults.messageId,
    timestamp: sent.timestamp ?? defaults.timestamp,
    sender: { framework: frameworkOf(sender.agent_id), ...sessionOf(recipient), ...sender },
    recipient: completeRecipient(recipient),
    message_type: sent.message_type,
    priority: sent.priority ?? 'medium',
    payload: sent.payload ?? null,
    routing: {
      timeout,
      retry_policy: { max_retries, backoff },
      ...(fallback_agents && { fallback_agents }),
      delivery_mode,
      ...(deliver_after !== undefined && { deliver_after }),
    },
    ...(sent.metadata && { metadata: sent.metadata }),
  };
  return { envelope, filled: true };
}

function completeRecipient(recipient: Recipient): Recipient {
  if (recipient.agent_id === undefined) return recipient;
  return { framework: frameworkOf(recipient.agent_id), ...recipient };
}

/** Who speaks to a session speaks in it. */
function sessionOf({ session_id }: Recipient): { session_id?: string } {
  return session_id === undefined ? {} : { session_id };
}

function isComplete(sent: Envelope): boolean {
  const { sender, recipient, routing } = sent;
  return (
    sent.message_id !== undefined &&
    sent.timestamp !== undefined &&
    sender.framework !== undefined &&
    (recipient.session_id === undefined || sender.session_id !== undefined) &&
    (recipient.framework !== undefined || recipient.agent_id === undefined) &&
    sent.priority !== undefined &&
    sent.payload !== undefined &&
    routing?.timeout !== undefined &&
    routing.retry_policy?.max_retries !== undefined &&
    routing.retry_policy.backoff !== undefined &&
    routing.delivery_mode !== undefined
  );
}
