// Who may use which route. The bus key may use all of them; this is what an agent's own token may.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import { BusError } from '../protocol/errors.ts';
import type { Session } from '../protocol/types.gen.ts';

type Rule =
  /** Any agent; the bus itself checks what of it is theirs. */
  | 'anyone'
  /** The bus key only. */
  | 'bus'
  /** The agent whom the path or the registration names. */
  | 'self'
  /** The orchestrator of the session. */
  | 'orchestrator'
  /** An active participant of the session. */
  | 'participant';

/** A route that is missing here is for the bus key only. */
export const policy: Readonly<Record<string, Rule>> = {
  'POST /agents/register': 'self',
  'GET /agents': 'anyone',
  'GET /agents/:agent_id': 'anyone',
  'DELETE /agents/:agent_id': 'self',
  'GET /agents/:agent_id/messages': 'self',
  'POST /agents/:agent_id/messages/:message_id/ack': 'self',
  'POST /agents/:agent_id/messages/:message_id/nack': 'self',
  'POST /messages/send': 'anyone',
  'POST /messages/batch': 'anyone',
  'GET /messages/:message_id': 'anyone',
  'GET /dead-letters': 'bus',
  'POST /dead-letters/:message_id/redrive': 'bus',
  'DELETE /dead-letters/:message_id': 'bus',
  'POST /sessions': 'orchestrator',
  'GET /sessions': 'anyone',
  'GET /sessions/:session_id': 'anyone',
  'POST /sessions/:session_id/participants': 'orchestrator',
  'DELETE /sessions/:session_id/participants/:agent_id': 'orchestrator',
  'PATCH /sessions/:session_id/workflow': 'orchestrator',
  'POST /sessions/:session_id/workflow/advance': 'orchestrator',
  'PATCH /sessions/:session_id/context': 'participant',
  'PUT /sessions/:session_id/context': 'participant',
  'GET /sessions/:session_id/tasks': 'anyone',
  'GET /sessions/:session_id/messages': 'participant',
  'GET /sessions/:session_id/events': 'anyone',
  'POST /sessions/:session_id/complete': 'orchestrator',
  'POST /sessions/:session_id/terminate': 'orchestrator',
  'GET /sessions/:session_id/summary': 'anyone',
  'GET /metrics': 'bus',
  'GET /': 'anyone',
  'GET /ws': 'anyone',
};

/** What a guarded request names; each of its parts was validated before. */
interface Named {
  params: { agent_id?: string; session_id?: string };
  body?: {
    agent_descriptor?: { agent_id: string };
    orchestrator?: string;
  } | null;
}

/** An unknown session is let through: the route answers that better. */
function permits(rule: Rule, agentId: string, { params, body }: Named, session: Session | undefined): boolean {
  switch (rule) {
    case 'anyone':
      return true;
    case 'bus':
      return false;
    case 'self':
      return (params.agent_id ?? body?.agent_descriptor?.agent_id) === agentId;
    case 'orchestrator':
      if (params.session_id === undefined) return body?.orchestrator === agentId;
      return session === undefined || session.orchestrator === agentId;
    case 'participant':
      return session?.participants.some((one) => one.agent_id === agentId && one.status === 'active') ?? true;
  }
}

const refusals: Readonly<Record<Rule, string>> = {
  anyone: '',
  bus: 'Only the bus key may do this.',
  self: "An agent's token is for that agent alone; use the bus key or the other agent's token.",
  orchestrator: 'Only the orchestrator of the session, or the bus key, may do this.',
  participant: 'Only an active participant of the session, or the bus key, may do this.',
};

/** Guards every route that is registered on `app` from now on. */
export function enforcePolicy(app: FastifyInstance, bus: Bus): void {
  app.addHook('onRoute', (route) => {
    const method = route.method === 'HEAD' ? 'GET' : String(route.method);
    const rule = policy[`${method} ${route.url}`] ?? 'bus';
    // The busiest routes are open to all: they pay for no guard.
    if (rule === 'anyone') return;
    const guard = (request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void => {
      const { principal } = request;
      if (principal.kind === 'agent') {
        const named = request as unknown as Named;
        const sessionId = named.params.session_id;
        const session = sessionId === undefined ? undefined : bus.sessions.getSession(sessionId);
        if (!permits(rule, principal.agentId, named, session)) {
          done(new BusError('FORBIDDEN', refusals[rule]));
          return;
        }
      }
      done();
    };
    route.preHandler = [guard];
  });
}
