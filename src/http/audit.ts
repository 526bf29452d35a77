// The audit log at the HTTP door: which routes are deeds, which refusals count, and `GET /audit`.
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { type AuditTrail, anonymous } from '../bus/audit-trail.ts';
import type { Bus } from '../bus/bus.ts';
import type { Principal } from '../bus/identity.ts';
import type { Workspace } from '../bus/workspace.ts';
import type { BusError, ErrorCode } from '../protocol/errors.ts';
import type { AuditAction, AuditFilter } from '../protocol/types.gen.ts';
import { type LogIds, logIdsOf } from './log-ids.ts';
import { routeSchema } from './route-schema.ts';
import { namedWorkspace } from './scope.ts';

/** Of a route whose answer says what it was: by the status of the answer. */
const deeds: Readonly<Record<string, AuditAction | Readonly<Record<number, AuditAction>>>> = {
  'POST /agents/register': { 200: 'agent_updated', 201: 'agent_registered' },
  'DELETE /agents/:agent_id': 'agent_deleted',
  'POST /sessions': 'session_created',
  'POST /sessions/:session_id/complete': 'session_completed',
  'POST /sessions/:session_id/terminate': 'session_terminated',
  'DELETE /sessions/:session_id': 'session_deleted',
  'POST /sessions/:session_id/participants': 'participant_added',
  'DELETE /sessions/:session_id/participants/:agent_id': 'participant_removed',
  'POST /sessions/:session_id/chats': 'chat_created',
  'DELETE /sessions/:session_id/chats/:chat_id': 'chat_deleted',
  'DELETE /sessions/:session_id/chats/:chat_id/history': 'chat_history_cleared',
  'POST /dead-letters/:message_id/redrive': 'dead_letter_redriven',
  'DELETE /dead-letters/:message_id': 'dead_letter_deleted',
  'POST /keys': 'key_created',
  'POST /keys/:key_id/rotate': 'key_rotated',
  'DELETE /keys/:key_id': 'key_revoked',
  'POST /agents/:agent_id/token': 'token_replaced',
};

const refusals: ReadonlySet<ErrorCode> = new Set([
  ...(['UNAUTHORIZED', 'FORBIDDEN', 'SENDER_FORBIDDEN', 'NOT_A_PARTICIPANT', 'REGISTRATION_REQUIRED'] as const),
  ...(['KEY_IN_QUERY', 'WORKSPACE_FORBIDDEN', 'HOST_NOT_ALLOWED', 'ORIGIN_NOT_ALLOWED', 'RATE_LIMITED'] as const),
  ...(['HOP_LIMIT', 'PAIR_RATE_LIMITED', 'SESSION_RATE_LIMITED', 'BUDGET_EXHAUSTED', 'CONTACT_REFUSED'] as const),
]);

/** Whose request it was, and from where. */
export interface Origin extends LogIds {
  principal: Principal | undefined;
  /** What was asked for was asked for in this one. */
  workspaceId: string | undefined;
  route: string | undefined;
  address: string | undefined;
}

export type NoteRefusal = (refusal: Pick<BusError, 'code'>, origin: Origin) => void;
export type NoteDeed = (action: AuditAction, origin: Origin) => void;

/** Takes every refusal there is, and keeps those that are about who may do what. */
export function createRefusalNotes(trail: AuditTrail): NoteRefusal {
  return ({ code }, origin) => {
    if (refusals.has(code)) trail.recordRefusal({ code, ...originFields(origin) });
  };
}

/** Keeps what was done. */
export function createDeedNotes(trail: AuditTrail): NoteDeed {
  return (action, origin) => trail.record({ action, ...originFields(origin) });
}

export function refusedRequest(request: FastifyRequest): Origin {
  const { url, method } = request.routeOptions;
  const principal = (request.principal as Principal | undefined) ?? undefined;
  const route = url === undefined ? undefined : `${String(method)} ${url}`;
  const workspaceId = principal?.workspaceId ?? (principal && workspaceThatOperatorMeans(request));
  return { principal, workspaceId, route, address: request.socket.remoteAddress, ...logIdsOf(request) };
}

/** Undefined where what names it is no name, or the route is of none. */
function workspaceThatOperatorMeans(request: FastifyRequest): string | undefined {
  try {
    return (request.workspace as Workspace | undefined)?.sessions.workspaceId;
  } catch {
    return undefined;
  }
}

/** Every route of `app` that is a deed is recorded from now on, once it is done. */
export function recordDeeds(app: FastifyInstance, noteDeed: NoteDeed): void {
  app.addHook('onRoute', (route) => {
    const name = `${String(route.method)} ${route.url}`;
    const deed = deeds[name];
    if (!deed) return;
    /** Ids that the bus has given stand in its answers. */
    const answered = new WeakMap<FastifyRequest, LogIds & { workspaceId: string | undefined }>();
    route.preSerialization = (request: FastifyRequest, _reply: FastifyReply, payload: unknown, done) => {
      const { key, session } = payload as Record<'key' | 'session', { workspace_id: string } | undefined>;
      const workspaceId = (key ?? session)?.workspace_id;
      answered.set(request, { ...logIdsOf({ body: payload }), workspaceId });
      done(null, payload);
    };
    // Not `onResponse`, which never comes for a client that is gone.
    route.onSend = (request: FastifyRequest, reply: FastifyReply, sent: unknown, done) => {
      const action = typeof deed === 'string' ? deed : deed[reply.statusCode];
      if (reply.statusCode < 300 && action) {
        const { workspaceId, ...given } = answered.get(request) ?? {};
        const ids = { ...logIdsOf(request), ...given };
        const { principal, socket } = request;
        const where = { workspaceId: workspaceId ?? workspaceOf(request, ids), address: socket.remoteAddress };
        noteDeed(action, { principal, route: name, ...where, ...ids });
      }
      done(null, sent);
    };
  });
}

export const auditRoutes: FastifyPluginCallback<{ bus: Bus; audit: AuditTrail }> = (app, { bus, audit }, done) => {
  app.get<{ Querystring: AuditFilter }>(
    '/audit',
    {
      schema: routeSchema({
        tag: 'System',
        summary: 'Who did what, and who was refused what; newest first',
        query: 'AuditFilter',
        replies: { 200: 'AuditList' },
      }),
    },
    async (request) => {
      const { principal, query } = request;
      const named = namedWorkspace(request);
      const isWhole = principal.workspaceId === undefined && named === undefined;
      const only = isWhole ? {} : { workspace_id: bus.workspaceFor(principal, named).sessions.workspaceId };
      return { success: true, ...(await audit.page({ ...query, ...only })) };
    },
  );
  done();
};

function actorOf(principal: Principal | undefined): string {
  if (!principal) return anonymous;
  return principal.agentId ?? (principal.workspaceId === undefined ? 'bus-key' : principal.id);
}

/** That of the session where there is one: an operator need not name it. */
function workspaceOf({ sessions, workspace }: FastifyRequest, { sessionId }: LogIds): string {
  const session = sessionId === undefined ? undefined : sessions.getSession(sessionId);
  return session?.workspace_id ?? workspace.sessions.workspaceId;
}

function originFields({ principal, workspaceId, route, address, ...ids }: Origin) {
  const fields = defined({
    route,
    address,
    workspace_id: workspaceId,
    agent_id: ids.agentId,
    session_id: ids.sessionId,
    chat_id: ids.chatId,
    message_id: ids.messageId,
    key_id: ids.keyId,
  });
  return { actor: actorOf(principal), ...fields };
}

/** Without the fields that are not there. */
function defined<Fields extends Record<string, string | undefined>>(fields: Fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: string;
  };
}
