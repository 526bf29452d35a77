// Routes of what is said in a chat: a message and its reply, whole or in parts; the history.
import type { FastifyPluginCallback } from 'fastify';
import type { AccessWatch } from '../bus/access-watch.ts';
import { wholeOf } from '../bus/chat-turns.ts';
import { parseDuration } from '../protocol/durations.ts';
import type { SayInChat } from '../protocol/types.gen.ts';
import { chatAt, type OfChat, sessionsAround } from './chat-address.ts';
import { streamTurn, turnReply } from './chat-stream.ts';
import type { NoteFailure } from './errors.ts';
import { goneSignal } from './gone.ts';
import { varyByAccept } from './negotiation.ts';
import { routeSchema } from './route-schema.ts';

interface ChatMessageOptions {
  access: AccessWatch;
  noteFailure: NoteFailure;
}

export const chatMessageRoutes: FastifyPluginCallback<ChatMessageOptions> = (app, { access, noteFailure }, done) => {
  const params = ['session_id', 'chat_id'] as const;

  app.post<OfChat & { Body: SayInChat }>(
    '/sessions/:session_id/chats/:chat_id/messages',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'Say something; the answer is the reply',
        description:
          'Messages of one chat are answered one at a time, in order. With `Accept: text/event-stream`: an event `part` ' +
          '(`{ "text" }`) for each part as it comes, then one `reply` with the whole, or one `error` with a problem. ' +
          'Whoever closes the request ends the turn.',
        params,
        body: 'SayInChat',
        replies: { 200: 'TurnReply' },
        textAs: 'text/event-stream',
      }),
    },
    async (request, reply) => {
      const { params: path, body, headers, principal } = request;
      const chat = chatAt(sessionsAround(request, path.session_id), path);
      const signal = goneSignal(reply, (end) => access.hold(principal, end));
      const timeoutMs = body.timeout === undefined ? undefined : parseDuration(body.timeout);
      const turn = chat.stream(body.content, { signal, timeoutMs });
      if (headers.accept?.includes('text/event-stream')) {
        return streamTurn(turn, chat.id, reply, (error) => noteFailure(error, request));
      }
      const said = await wholeOf(turn);
      varyByAccept(reply.raw);
      return turnReply(chat.id, said);
    },
  );

  app.get<OfChat>(
    '/sessions/:session_id/chats/:chat_id/history',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'Questions and replies of completed turns, oldest first',
        description: 'As many as the chat remembers (`history_limit`): these go to its model with the next message.',
        params,
        replies: { 200: 'ChatHistory' },
      }),
    },
    (request, reply) => {
      const chat = chatAt(sessionsAround(request, request.params.session_id), request.params);
      reply.send({ success: true, items: chat.getHistory() });
    },
  );

  app.delete<OfChat>(
    '/sessions/:session_id/chats/:chat_id/history',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'Begin the chat anew: its history goes to nobody any more',
        params,
        replies: { 200: 'ChatReply' },
      }),
    },
    async (request) => {
      const { session_id } = request.params;
      const sessions = sessionsAround(request, session_id);
      const chat = chatAt(sessions, request.params);
      chat.clearHistory();
      await sessions.settled(session_id);
      return { success: true, chat: chat.describe() };
    },
  );
  done();
};
