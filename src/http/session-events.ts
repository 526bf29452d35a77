// The route of a session's events: as JSON pages, or as an event stream where the client accepts one.
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import { BusError } from '../protocol/errors.ts';
import type { PageQuery } from '../protocol/types.gen.ts';
import { createEventStreams } from './event-streams.ts';
import { routeSchema } from './route-schema.ts';
import { sessionOf } from './session-reply.ts';

type Events = { Params: { session_id: string }; Querystring: PageQuery };

export const sessionEventRoutes: FastifyPluginCallback<{
  bus: Bus;
  closing: AbortSignal;
}> = (app, { bus, closing }, done) => {
  const streams = createEventStreams(bus.sessions);
  closing.addEventListener('abort', () => streams.close(), { once: true });

  app.get<Events>(
    '/sessions/:session_id/events',
    {
      // The head of a stream would be a stream.
      exposeHeadRoute: false,
      schema: routeSchema({
        tag: 'Sessions',
        summary: 'What happened in a session: pages of events, or a live stream',
        description:
          'With `Accept: text/event-stream` the events after `Last-Event-ID` (or `after`) are sent, then each new one as it happens.',
        params: ['session_id'],
        query: 'PageQuery',
        replies: { 200: 'SessionEventList' },
        textAs: 'text/event-stream',
      }),
    },
    async (request, reply) => {
      const { session_id } = request.params;
      const after = cursorOf(request);
      sessionOf(bus, session_id);
      if (request.headers.accept?.includes('text/event-stream')) {
        reply.hijack();
        streams.open(session_id, after, reply.raw);
        return reply;
      }
      const { limit = 100 } = request.query;
      const items = await bus.sessions.readEvents(session_id, after, limit);
      const last = items.at(-1);
      reply.header('vary', 'accept');
      return items.length === limit && last ? { success: true, items, next: last.id } : { success: true, items };
    },
  );
  done();
};

/** The id of the last event that the client has seen; 0 for none. */
function cursorOf(request: FastifyRequest<Events>): number {
  const cursor = request.headers['last-event-id'] ?? request.query.after ?? '0';
  if (typeof cursor === 'string' && /^[0-9]{1,15}$/.test(cursor)) return Number(cursor);
  throw new BusError(
    'VALIDATION_FAILED',
    'The cursor is not valid; send the id of the last event that you have seen.',
    {
      details: [{ path: '/after', message: 'must be the id of an event' }],
    },
  );
}
