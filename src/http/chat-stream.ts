// The reply of a chat as an event stream: each part as it comes, then the whole, or what went wrong.
import type { FastifyReply } from 'fastify';
import type { Turn } from '../bus/chat-turns.ts';
import type { BusError } from '../protocol/errors.ts';
import type { ChatId, TurnReply } from '../protocol/types.gen.ts';
import { problemOf } from './problem.ts';
import { ServerSentEvents } from './server-sent-events.ts';

type Said = Awaited<ReturnType<Turn['return']>>['value'];

export function turnReply(chat_id: ChatId, { turn_id, ...reply }: Exclude<Said, string>): TurnReply {
  return { success: true, chat_id, turn_id, ...reply };
}

/**
 * Streams from the first part on, or from the first heartbeat if that comes before. What fails until then is thrown: the
 * status of its answer says more than an event could.
 */
export async function streamTurn(
  turn: Turn,
  chatId: ChatId,
  reply: FastifyReply,
  refusalOf: (error: unknown) => BusError,
  pingEveryMs = 15_000,
): Promise<FastifyReply> {
  let events: ServerSentEvents | undefined;
  const open = (): ServerSentEvents => {
    if (!events) {
      reply.hijack();
      events = new ServerSentEvents(reply.raw, { pingEveryMs });
    }
    return events;
  };
  const waiting = setTimeout(() => open().ping(), pingEveryMs);
  waiting.unref();
  try {
    for (;;) {
      const next = await turn.next();
      if (next.done) {
        open().send({ type: 'reply', data: turnReply(chatId, next.value) });
        break;
      }
      open().send({ type: 'part', data: { text: next.value } });
      await events?.drained();
    }
  } catch (error) {
    if (!events) throw error;
    events.send({ type: 'error', data: problemOf(refusalOf(error)) });
  } finally {
    clearTimeout(waiting);
  }
  events?.end();
  return reply;
}
