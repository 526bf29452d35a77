// The route of a session's events: as JSON pages, or as an event stream where the client accepts one.
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import type { SessionManager } from '../bus/session-manager.ts';
import { BusError } from '../protocol/errors.ts';
import type { PageQuery } from '../protocol/types.gen.ts';
import { createEventStreams, type EventStreams } from './event-streams.ts';
import { varyByAccept } from './negotiation.ts';
import { routeSchema } from './route-schema.ts';
import { sessionOf } from './session-reply.ts';

type Events = { Params: { session_id: string }; Querystring: PageQuery };

export const sessionEventRoutes: FastifyPluginCallback<{ bus: Bus; closing: AbortSignal }> = (
  app,
  { bus, closing },
  done,
) => {
  // One for each workspace: a session's id says nothing about whose it is.
  const streamsOf = new Map<SessionManager, EventStreams>();
  const streamsIn = (manager: SessionManager): EventStreams => {
    const streams = streamsOf.get(manager) ?? createEventStreams(manager);
    streamsOf.set(manager, streams);
    if (closing.aborted) streams.close();
    return streams;
  };
  const closeAll = () => {
    for (const streams of streamsOf.values()) streams.close();
  };
  closing.addEventListener('abort', closeAll, { once: true });

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
      const manager = bus.workspace(request.sessions.workspaceOf(session_id)).sessions;
      const { version } = sessionOf(manager, session_id);
      // It is the cursor of another session, or of one that was deleted: waiting would be for ever.
      if (after > version) throw badCursor(`is behind the last event of the session, ${version}`);
      if (request.headers.accept?.includes('text/event-stream')) {
        reply.hijack();
        // It left while its credential was looked at, and its `close` is over.
        if (reply.raw.destroyed) return reply;
        const release = bus.access.hold(request.principal, () => reply.raw.end());
        reply.raw.once('close', release);
        streamsIn(manager).open(session_id, after, reply.raw, request.principal.agentId);
        return reply;
      }
      const { limit = 100 } = request.query;
      const items = await manager.readEvents(session_id, after, limit);
      const last = items.at(-1);
      varyByAccept(reply.raw);
      // A page of large events is shorter than the limit.
      const hasMore = last && (items.length === limit || Number(last.id) < version);
      return hasMore ? { success: true, items, next: last.id } : { success: true, items };
    },
  );
  done();
};

/** The id of the last event that the client has seen; 0 for none. */
function cursorOf(request: FastifyRequest<Events>): number {
  const cursor = request.headers['last-event-id'] ?? request.query.after ?? '0';
  if (typeof cursor === 'string' && /^[0-9]{1,15}$/.test(cursor)) return Number(cursor);
  throw badCursor('must be the id of an event');
}

function badCursor(message: string): BusError {
  const text = `The cursor ${message}; send the id of the last event that you have seen, or none for all.`;
  return new BusError('VALIDATION_FAILED', text, { details: [{ path: '/after', message }] });
}
