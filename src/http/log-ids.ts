// The ids by which log lines are found again. Of all that a request carries, only these are logged.
import { validatorOf } from '../schema/registry.ts';

export interface LogIds {
  agentId?: string;
  sessionId?: string;
  chatId?: string;
  messageId?: string;
  keyId?: string;
}

interface Sent {
  params?: unknown;
  body?: unknown;
}

/** Of the path before the body, which may not have been validated. */
export function logIdsOf({ params, body }: Sent): LogIds {
  const path = fieldsOf(params);
  const sent = fieldsOf(body);
  const sender = fieldsOf(sent.sender);
  const agentId = path.agent_id ?? fieldsOf(sent.agent_descriptor).agent_id ?? sent.agent_id ?? sender.agent_id;
  const sessionId = path.session_id ?? sent.session_id ?? sender.session_id;
  const chatId = path.chat_id ?? fieldsOf(sent.chat).chat_id;
  const messageId = path.message_id ?? sent.message_id;
  const keyId = path.key_id ?? fieldsOf(sent.key).key_id;
  return {
    ...(is('AgentId', agentId) && { agentId }),
    ...(is('SessionId', sessionId) && { sessionId }),
    ...(is('ChatId', chatId) && { chatId }),
    ...(is('MessageId', messageId) && { messageId }),
    ...(is('KeyId', keyId) && { keyId }),
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function is(definition: string, value: unknown): value is string {
  return validatorOf<string>(definition)(value);
}
