// Routes that read what happened in a session: tasks, messages, summary.
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import { activeChat } from '../bus/chats.ts';
import type { NarratedSummary } from '../bus/narration.ts';
import { summaryMarkdown } from '../core/summary/markdown.ts';
import { BusError } from '../protocol/errors.ts';
import type { PageQuery, SummaryQuery, SynthesisOptions, TaskFilter } from '../protocol/types.gen.ts';
import { goneSignal } from './gone.ts';
import { varyByAccept } from './negotiation.ts';
import { routeSchema } from './route-schema.ts';

type ById = { Params: { session_id: string } };

/** `closing` ends what models are asked, so that the server can stop. */
export const sessionReadRoutes: FastifyPluginCallback<{ bus: Bus; closing: AbortSignal }> = (
  app,
  { bus, closing },
  done,
) => {
  const params = ['session_id'] as const;

  app.get<ById & { Querystring: TaskFilter }>(
    '/sessions/:session_id/tasks',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Tasks of a session by status, agent or step',
        params,
        query: 'TaskFilter',
        replies: { 200: 'TaskList' },
      }),
    },
    (request, reply) => {
      reply.send({
        success: true,
        ...request.sessions.listTasks(request.params.session_id, request.query),
      });
    },
  );

  app.get<ById & { Querystring: PageQuery }>(
    '/sessions/:session_id/messages',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'Messages of a session, oldest first',
        params,
        query: 'PageQuery',
        replies: { 200: 'MessageList' },
      }),
    },
    async (request) => {
      const { session_id } = request.params;
      const { after, limit = 100 } = request.query;
      const { messages } = bus.workspace(request.sessions.workspaceOf(session_id));
      return {
        success: true,
        ...(await messages.ofSession(session_id, { after, limit })),
      };
    },
  );

  app.get<ById & { Querystring: SummaryQuery }>(
    '/sessions/:session_id/summary',
    {
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'The executive summary, made of recorded facts',
        description:
          'Of a completed session the one that was made at its end, unless a strategy is named. Markdown with `Accept: text/markdown` or `format=markdown`. ' +
          'With `narrate` there is prose beside it, by whom the chat is with.',
        params,
        query: 'SummaryQuery',
        replies: { 200: 'SummaryReply' },
        textAs: 'text/markdown',
      }),
    },
    async (request, reply) => {
      const { query, headers, principal } = request;
      const gone = () => goneSignal(reply, (end) => bus.access.hold(principal, end), closing);
      const { summary, narrative } = await summaryFor(request, gone);
      varyByAccept(reply.raw);
      if (query.format === undefined ? headers.accept?.includes('text/markdown') : query.format === 'markdown') {
        return reply.type('text/markdown; charset=utf-8').send(summaryMarkdown(summary, narrative));
      }
      return reply.send({ success: true, summary, ...(narrative && { narrative }) });
    },
  );
  done();
};

type SummaryRequest = FastifyRequest<ById & { Querystring: SummaryQuery }>;

/** With prose where it is asked for. @throws BusError as `narrateSummary` */
async function summaryFor(
  request: SummaryRequest,
  gone: () => AbortSignal,
): Promise<Partial<NarratedSummary> & Pick<NarratedSummary, 'summary'>> {
  const { sessions, query, method } = request;
  const { session_id: sessionId } = request.params;
  const synthesis = synthesisOf(query);
  const { narrate } = query;
  // Of the answer to a HEAD request nobody would read it.
  if (narrate === undefined || method === 'HEAD') return { summary: sessions.getSummary(sessionId, synthesis) };
  const chatId = narrate === activeChat ? sessions.getActiveChat(sessionId).id : narrate;
  return sessions.narrateSummary(sessionId, chatId, { synthesis, signal: gone() });
}

/** What the manager is asked for; it says what does not fit. @throws BusError VALIDATION_FAILED for a list without its strategy */
function synthesisOf({ strategy, specialists, selection }: SummaryQuery): SynthesisOptions | undefined {
  if (strategy === undefined) {
    if (specialists === undefined && selection === undefined) return undefined;
    throw new BusError('VALIDATION_FAILED', 'A list of specialists or a selection needs its strategy; name it.');
  }
  return {
    strategy,
    ...(specialists !== undefined && { specialists: specialists.split(',') }),
    ...(selection !== undefined && { selection: selection.split(',') }),
  };
}
