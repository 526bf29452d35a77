// Routes of the chats of a session: create, list, read, switch, delete.
import type { FastifyPluginCallback } from 'fastify';
import type { CreateChat } from '../protocol/types.gen.ts';
import { chatAt, type InSession, type OfChat, sessionsAround } from './chat-address.ts';
import { routeSchema } from './route-schema.ts';

export const chatRoutes: FastifyPluginCallback = (app, _options, done) => {
  const ofChat = ['session_id', 'chat_id'] as const;

  app.post<InSession & { Body: CreateChat }>(
    '/sessions/:session_id/chats',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'Create a chat with a model or an agent',
        description:
          'With one of `agent_config`, `template` and `agent_id`. A model is one of a provider that the server knows. ' +
          'The first chat of a session is its active one.',
        params: ['session_id'],
        body: 'CreateChat',
        replies: { 201: 'ChatReply' },
      }),
    },
    async (request, reply) => {
      const { session_id } = request.params;
      const { chat_id: chatId, name, agent_id: agentId, agent_config: agentConfig, template, overrides } = request.body;
      const sessions = sessionsAround(request, session_id);
      const id = await sessions.createChat(session_id, { chatId, name, agentId, agentConfig, template, overrides });
      const chat = chatAt(sessions, { session_id, chat_id: id }).describe();
      const location = `/sessions/${encodeURIComponent(session_id)}/chats/${encodeURIComponent(id)}`;
      return reply.code(201).header('location', location).send({ success: true, chat });
    },
  );

  app.get<InSession>(
    '/sessions/:session_id/chats',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'All chats of a session, in the order of their creation',
        params: ['session_id'],
        replies: { 200: 'ChatList' },
      }),
    },
    (request, reply) => {
      const chats = request.sessions.getSessionChats(request.params.session_id);
      reply.send({ success: true, items: chats.map((chat) => chat.describe()) });
    },
  );

  app.get<OfChat>(
    '/sessions/:session_id/chats/:chat_id',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'One chat: whom it is with, and whether it is answering',
        description: 'Here and in all paths, `active` stands for the active chat of the session.',
        params: ofChat,
        replies: { 200: 'ChatReply' },
      }),
    },
    (request, reply) => {
      const sessions = sessionsAround(request, request.params.session_id);
      reply.send({ success: true, chat: chatAt(sessions, request.params).describe() });
    },
  );

  app.post<OfChat>(
    '/sessions/:session_id/chats/:chat_id/switch',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'Make it the active chat of the session',
        params: ofChat,
        replies: { 200: 'ChatReply' },
      }),
    },
    async (request) => {
      const { session_id } = request.params;
      const sessions = sessionsAround(request, session_id);
      const chat = chatAt(sessions, request.params);
      sessions.switchChat(session_id, chat.id);
      await sessions.settled(session_id);
      return { success: true, chat: chat.describe() };
    },
  );

  app.delete<OfChat>(
    '/sessions/:session_id/chats/:chat_id',
    {
      schema: routeSchema({
        tag: 'Chats',
        summary: 'Delete a chat; what is being answered in it is given up',
        description: 'The answer is the chat as it was.',
        params: ofChat,
        replies: { 200: 'ChatReply' },
      }),
    },
    async (request) => {
      const { session_id } = request.params;
      const sessions = sessionsAround(request, session_id);
      const chat = chatAt(sessions, request.params).describe();
      sessions.deleteChat(chat.chat_id);
      await sessions.settled(session_id);
      return { success: true, chat };
    },
  );
  done();
};
