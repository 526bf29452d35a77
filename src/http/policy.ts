// Who may use which route and which frame. The bus key may use all of them; this is what other credentials may.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assertScope } from '../bus/scopes.ts';
import { BusError } from '../protocol/errors.ts';
import type { Scope, Session } from '../protocol/types.gen.ts';
import type { ClientFrame } from './frames.ts';

type Who =
  /** Any key; the bus itself checks what of it is theirs. */
  | 'anyone'
  /** The bus key only. */
  | 'operator'
  /** A key of the whole workspace. */
  | 'workspace'
  /** The agent whom the path or the registration names. */
  | 'self'
  /** The same, and whoever else may act as it has to have the scope `admin`. */
  | 'keeper'
  /** The orchestrator of the session. */
  | 'orchestrator'
  /** An active participant of the session. */
  | 'participant'
  /** The same, or the agent that has the task of the session. */
  | 'tasked';

interface Rule {
  who: Who;
  /** What the credential must have; absent: nothing. */
  scope?: Scope;
}

/** A route that is missing here is for the bus key only. */
export const policy: Readonly<Record<string, Rule>> = {
  'POST /agents/register': { scope: 'receive', who: 'self' },
  'GET /agents': { who: 'anyone' },
  'GET /agents/:agent_id': { who: 'anyone' },
  'DELETE /agents/:agent_id': { scope: 'receive', who: 'self' },
  'POST /agents/:agent_id/token': { who: 'keeper' },
  'GET /agents/:agent_id/messages': { scope: 'receive', who: 'self' },
  'POST /agents/:agent_id/messages/:message_id/ack': { scope: 'receive', who: 'self' },
  'POST /agents/:agent_id/messages/:message_id/nack': { scope: 'receive', who: 'self' },
  'POST /messages/send': { scope: 'send', who: 'anyone' },
  'POST /messages/batch': { scope: 'send', who: 'anyone' },
  'GET /messages/:message_id': { scope: 'receive', who: 'anyone' },
  'GET /dead-letters': { scope: 'admin', who: 'workspace' },
  'POST /dead-letters/:message_id/redrive': { scope: 'admin', who: 'workspace' },
  'DELETE /dead-letters/:message_id': { scope: 'admin', who: 'workspace' },
  'POST /sessions': { scope: 'sessions', who: 'orchestrator' },
  'GET /sessions': { scope: 'sessions', who: 'anyone' },
  'GET /sessions/:session_id': { scope: 'sessions', who: 'participant' },
  'DELETE /sessions/:session_id': { scope: 'sessions', who: 'orchestrator' },
  'POST /sessions/:session_id/participants': { scope: 'sessions', who: 'orchestrator' },
  'DELETE /sessions/:session_id/participants/:agent_id': { scope: 'sessions', who: 'orchestrator' },
  'PATCH /sessions/:session_id/workflow': { scope: 'sessions', who: 'orchestrator' },
  'POST /sessions/:session_id/workflow/advance': { scope: 'sessions', who: 'orchestrator' },
  'PATCH /sessions/:session_id/context': { scope: 'sessions', who: 'participant' },
  'PUT /sessions/:session_id/context': { scope: 'sessions', who: 'participant' },
  // What was said in chats is among results and events: whoever may read those may read that.
  'GET /sessions/:session_id/tasks': { scope: 'sessions', who: 'participant' },
  'GET /sessions/:session_id/tasks/:task_id': { scope: 'sessions', who: 'tasked' },
  'PATCH /sessions/:session_id/tasks/:task_id': { scope: 'sessions', who: 'tasked' },
  'GET /sessions/:session_id/messages': { scope: 'sessions', who: 'participant' },
  'GET /sessions/:session_id/events': { scope: 'sessions', who: 'participant' },
  'POST /sessions/:session_id/complete': { scope: 'sessions', who: 'orchestrator' },
  'POST /sessions/:session_id/terminate': { scope: 'sessions', who: 'orchestrator' },
  'GET /sessions/:session_id/summary': { scope: 'sessions', who: 'participant' },
  // Who leads a session decides whom it talks to, and pays for it; those who take part talk and read.
  'POST /sessions/:session_id/chats': { scope: 'sessions', who: 'orchestrator' },
  'GET /sessions/:session_id/chats': { scope: 'sessions', who: 'participant' },
  'GET /sessions/:session_id/chats/:chat_id': { scope: 'sessions', who: 'participant' },
  'DELETE /sessions/:session_id/chats/:chat_id': { scope: 'sessions', who: 'orchestrator' },
  'POST /sessions/:session_id/chats/:chat_id/switch': { scope: 'sessions', who: 'orchestrator' },
  'POST /sessions/:session_id/chats/:chat_id/messages': { scope: 'sessions', who: 'participant' },
  'GET /sessions/:session_id/chats/:chat_id/history': { scope: 'sessions', who: 'participant' },
  'DELETE /sessions/:session_id/chats/:chat_id/history': { scope: 'sessions', who: 'orchestrator' },
  'POST /keys': { scope: 'admin', who: 'anyone' },
  'GET /keys': { scope: 'admin', who: 'anyone' },
  'POST /keys/:key_id/rotate': { scope: 'admin', who: 'anyone' },
  'DELETE /keys/:key_id': { scope: 'admin', who: 'anyone' },
  'GET /audit': { scope: 'admin', who: 'workspace' },
  'GET /metrics': { who: 'operator' },
  'GET /': { scope: 'receive', who: 'anyone' },
  'GET /ws': { scope: 'receive', who: 'anyone' },
};

/** What it takes to say something on a socket that is open. */
export const framePolicy: Readonly<Record<ClientFrame['kind'], Scope>> = {
  envelope: 'send',
  ack: 'receive',
  nack: 'receive',
  extend: 'receive',
};

/** What a guarded request names; each of its parts was validated before. */
interface Named {
  params: { agent_id?: string; session_id?: string; task_id?: string };
  body?: {
    agent_descriptor?: { agent_id: string };
    orchestrator?: string;
  } | null;
}

/** Guards every route that is registered on `app` from now on. */
export function enforcePolicy(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const method = route.method === 'HEAD' ? 'GET' : String(route.method);
    const rule = policy[`${method} ${route.url}`] ?? { who: 'operator' };
    if (rule.who === 'anyone' && rule.scope === undefined) return;
    const guard = (request: FastifyRequest, _reply: unknown, done: () => void): void => {
      if (rule.scope !== undefined) assertScope(request.principal, rule.scope);
      assertPermitted(rule.who, request);
      done();
    };
    const others = route.preHandler ?? [];
    route.preHandler = [guard, ...(Array.isArray(others) ? others : [others])];
  });
}

/** @throws BusError FORBIDDEN, and AGENT_NOT_FOUND for an agent that there is not for this key */
function assertPermitted(who: Who, request: FastifyRequest): void {
  const { principal } = request;
  const { params, body } = request as unknown as Named;
  const isBound = principal.agentId !== undefined || principal.userId !== undefined;
  switch (who) {
    case 'anyone':
      return;
    case 'operator':
      if (isBound || principal.workspaceId !== undefined) throw forbidden('Only the bus key may do this.');
      return;
    case 'workspace':
      if (isBound) throw forbidden('Only the bus key, or a key of the whole workspace, may do this.');
      return;
    case 'self':
      assertSelf(request, params.agent_id, body?.agent_descriptor?.agent_id);
      return;
    case 'keeper':
      assertSelf(request, params.agent_id, undefined);
      if (principal.agentId === undefined) assertScope(principal, 'admin');
      return;
    case 'orchestrator':
    case 'participant':
    case 'tasked':
      if (principal.agentId !== undefined) assertPart(who, principal.agentId, request);
  }
}

function assertSelf({ workspace, principal }: FastifyRequest, agentId: string | undefined, newId: string | undefined) {
  if (agentId !== undefined) workspace.agents.assertMayActAs(principal, agentId);
  else workspace.agents.assertMayBecome(principal, newId ?? '');
}

/** A session that there is not, for this key, is let through: the route answers that better. */
function assertPart(who: 'orchestrator' | 'participant' | 'tasked', agentId: string, request: FastifyRequest): void {
  const { params, body } = request as unknown as Named;
  const { session_id: sessionId, task_id: taskId } = params;
  const session = sessionId === undefined ? undefined : request.sessions.getSession(sessionId);
  if (who !== 'orchestrator') {
    // A fallback takes no part in the session.
    const hasIt =
      who === 'tasked' && request.sessions.getTaskDelegation(taskId ?? '', sessionId)?.delegatee === agentId;
    if (session && !hasIt && !takesPart(session, agentId)) {
      throw forbidden('Only an active participant of the session, or a key that is for no agent, may do this.');
    }
    return;
  }
  if (sessionId !== undefined && !session) return;
  // A session that nobody leads is led by no agent.
  if ((session ? session.orchestrator : body?.orchestrator) !== agentId) {
    throw forbidden('Only the orchestrator of the session, or a key that is for no agent, may do this.');
  }
}

function takesPart({ participants }: Session, agentId: string): boolean {
  return participants.some((one) => one.agent_id === agentId && one.status === 'active');
}

function forbidden(message: string): BusError {
  return new BusError('FORBIDDEN', message);
}
