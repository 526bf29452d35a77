// The ids by which log lines are found again. Of all that a request carries, only these are logged.

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

const plainId = /^[A-Za-z0-9_.:-]{1,128}$/;
const agentIdForm = /^[a-z][a-z0-9+.-]{0,31}:\/\/[A-Za-z0-9_.:@-]{1,120}$/;

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
    ...(has(agentIdForm, agentId) && { agentId }),
    ...(has(plainId, sessionId) && { sessionId }),
    ...(has(plainId, chatId) && { chatId }),
    ...(has(plainId, messageId) && { messageId }),
    ...(has(plainId, keyId) && { keyId }),
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function has(form: RegExp, value: unknown): value is string {
  return typeof value === 'string' && form.test(value);
}
