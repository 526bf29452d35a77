// Replies of agents of the bus: each question is a task that the chat asks of its agent.
import { formatDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import { chatAgentId } from '../protocol/ids.ts';
import type { AgentId, AnyReceipt, CompleteEnvelope, Envelope, SessionId } from '../protocol/types.gen.ts';
import type { Answer, Question } from './chat-turns.ts';

/** The agents of the bus, as the chats of a session see them. */
export interface AskableAgents {
  /** @throws BusError AGENT_NOT_FOUND for an agent that there is not to the session; FORBIDDEN for ids of the bus itself */
  assertAskable(sessionId: SessionId, agentId: AgentId): void;
  /** Sends with `delivery_mode: sync`, for a chat of that session: resolves with the reply. */
  ask(sessionId: SessionId, envelope: Envelope, signal: AbortSignal): Promise<AnyReceipt>;
}

/** The request outlives its turn by that much: two limits at one instant would leave to chance which of them tells the end. */
const outlivesTurnMs = 1_000;

/** @throws BusError as sending does; CHAT_AGENT_FAILED where the agent answers with an error, or gives the question up */
export async function* answerOfAgent(agents: AskableAgents, agentId: AgentId, question: Question): Answer {
  const { sessionId, chat, turnId, content, signal, timeoutMs, isAside } = question;
  const envelope: Envelope = {
    message_id: turnId,
    message_type: 'task_request',
    sender: { agent_id: chatAgentId(chat.chat_id), ...(!isAside && { session_id: sessionId }) },
    recipient: { agent_id: agentId },
    priority: 'medium',
    payload: { task_type: 'chat', chat_id: chat.chat_id, content },
    routing: { delivery_mode: 'sync', timeout: formatDuration(timeoutMs + outlivesTurnMs) },
    ...(!isAside && { metadata: { task_id: turnId } }),
  };
  // Its task ends with the turn; a task that came later would stay open.
  signal.throwIfAborted();
  const receipt = await agents.ask(sessionId, envelope, signal).catch((error: unknown) => {
    throw error instanceof BusError && error.code === 'NO_REPLY'
      ? new BusError('CHAT_AGENT_FAILED', `${agentId} did not take the question.`, { cause: error })
      : error;
  });
  const text = textOf(agentId, receipt);
  yield text;
  return { content: text };
}

/** What is said: a text, the `content` of an object, else the whole of it as JSON. */
function textOf(agentId: AgentId, receipt: AnyReceipt): string {
  const reply = 'reply' in receipt ? (receipt.reply as CompleteEnvelope) : undefined;
  if (!reply || reply.message_type === 'error') {
    throw new BusError('CHAT_AGENT_FAILED', `${agentId} answered with an error.`);
  }
  const { payload } = reply;
  if (typeof payload === 'string') return payload;
  const { content } = (payload ?? {}) as { content?: unknown };
  return typeof content === 'string' ? content : JSON.stringify(payload ?? null);
}
