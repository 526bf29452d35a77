// Envelopes from the bus itself, by which it tells agents what became of their mail and their tasks.
import { hopAfter } from '../core/guards/hops.ts';
import type { Clock } from '../ports/clock.ts';
import type { LedgerEntry, NewMessage } from '../ports/mailbox-store.ts';
import { formatDuration } from '../protocol/durations.ts';
import { busAgentId, frameworkOf, type NewId } from '../protocol/ids.ts';
import type { CompleteEnvelope, JsonObject, MessageType } from '../protocol/types.gen.ts';
import type { CreateStamp } from './stamp.ts';

/** The message that an agent is told of. */
type NoticeSubject = Pick<LedgerEntry, 'messageId' | 'facts'>;

/** A message for the agent about another one; none for the bus, so that no notice is about a notice. */
export type CreateNotice = (
  agentId: string,
  messageType: MessageType,
  about: NoticeSubject,
  payload: JsonObject,
) => NewMessage | undefined;

export interface NoticeDeps {
  clock: Clock;
  newId: NewId;
  stamps: CreateStamp;
  messageTimeoutMs: number;
}

export function createNotices({ clock, newId, stamps, messageTimeoutMs }: NoticeDeps): CreateNotice {
  return (agentId, messageType, { messageId, facts }, payload) => {
    if (agentId === busAgentId) return undefined;
    const now = clock.now();
    // Who sends again whatever it is told of goes on with a chain.
    const hop = hopAfter(facts);
    const envelope: CompleteEnvelope = {
      message_id: newId('msg'),
      timestamp: new Date(now).toISOString(),
      sender: { agent_id: busAgentId, framework: frameworkOf(busAgentId) },
      recipient: { agent_id: agentId, framework: frameworkOf(agentId) },
      message_type: messageType,
      priority: 'high',
      payload,
      routing: {
        timeout: formatDuration(messageTimeoutMs),
        retry_policy: { max_retries: 3, backoff: 'exponential' },
        delivery_mode: 'async',
      },
      metadata: { in_reply_to: messageId, bus: stamps(busAgentId, now, hop).bus },
    };
    return {
      messageId: envelope.message_id,
      mailbox: agentId,
      priority: 'high',
      acceptedAt: now,
      deadline: now + messageTimeoutMs,
      retry: { maxRetries: 3, backoff: 'exponential' },
      facts: { sender: busAgentId, messageType, hop },
      bytes: Buffer.from(JSON.stringify(envelope)),
    };
  };
}
