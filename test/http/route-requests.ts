// One request for each route, one that can succeed, about what the furnished home of two-houses.ts has in it.
import { lead, type Names, other, settings, steps } from '../support/two-houses.ts';
import type { Call, Http, Reply } from './start-http.ts';

interface RouteRequest {
  /** Which message its path names; `queued` where left out. */
  message?: 'queued' | 'offered' | 'dead';
  query?: string;
  body?: (named: Names) => unknown;
}

/** From the lead of the home to its agent. */
export const envelope = (named: Names, more: object = {}) => ({
  sender: { agent_id: lead },
  recipient: { agent_id: named.agent },
  message_type: 'status_update',
  ...more,
});

export const routeRequests: Readonly<Record<string, RouteRequest>> = {
  'POST /agents/register': {
    body: ({ agent }) => ({ agent_descriptor: { agent_id: agent, capabilities: ['mine'] } }),
  },
  'GET /agents': {},
  'GET /agents/:agent_id': {},
  'DELETE /agents/:agent_id': {},
  'POST /agents/:agent_id/token': {},
  'GET /agents/:agent_id/messages': {},
  'POST /agents/:agent_id/messages/:message_id/ack': { message: 'offered' },
  'POST /agents/:agent_id/messages/:message_id/nack': { message: 'offered' },
  'POST /messages/send': { body: (named) => envelope(named) },
  'POST /messages/batch': {
    body: (named) => ({
      messages: [
        envelope(named),
        envelope(named, { sender: { agent_id: lead, session_id: named.session } }),
        envelope(named, { recipient: { capability: 'work' } }),
        envelope(named, { recipient: { session_id: named.session } }),
        envelope(named, { metadata: { in_reply_to: named.offered } }),
        envelope(named, { message_type: 'heartbeat' }),
      ],
    }),
  },
  'GET /messages/:message_id': {},
  'GET /dead-letters': {},
  'POST /dead-letters/:message_id/redrive': { message: 'dead' },
  'DELETE /dead-letters/:message_id': { message: 'dead' },
  'POST /sessions': { body: () => ({ orchestrator: lead }) },
  'GET /sessions': {},
  'GET /sessions/:session_id': {},
  'DELETE /sessions/:session_id': {},
  'POST /sessions/:session_id/participants': {
    body: () => ({ agent_id: other }),
  },
  'DELETE /sessions/:session_id/participants/:agent_id': {},
  'PATCH /sessions/:session_id/workflow': {
    body: () => ({ current_step: steps[1]?.name }),
  },
  'POST /sessions/:session_id/workflow/advance': {},
  'PATCH /sessions/:session_id/context': { body: () => ({ a: 1 }) },
  'PUT /sessions/:session_id/context': { body: () => ({ a: 1 }) },
  'GET /sessions/:session_id/tasks': {},
  'GET /sessions/:session_id/tasks/:task_id': {},
  'PATCH /sessions/:session_id/tasks/:task_id': { body: () => ({ status: 'failed' }) },
  'GET /sessions/:session_id/messages': {},
  'GET /sessions/:session_id/events': {},
  'POST /sessions/:session_id/complete': {},
  'POST /sessions/:session_id/terminate': {
    body: () => ({ reason: 'mine' }),
  },
  'GET /sessions/:session_id/summary': {},
  'POST /sessions/:session_id/chats': {
    body: () => ({ agent_config: settings }),
  },
  'GET /sessions/:session_id/chats': {},
  'GET /sessions/:session_id/chats/:chat_id': {},
  'DELETE /sessions/:session_id/chats/:chat_id': {},
  'POST /sessions/:session_id/chats/:chat_id/switch': {},
  'POST /sessions/:session_id/chats/:chat_id/messages': {
    body: () => ({ content: 'mine' }),
  },
  'GET /sessions/:session_id/chats/:chat_id/history': {},
  'DELETE /sessions/:session_id/chats/:chat_id/history': {},
  'GET /audit': {},
  'POST /keys': { body: () => ({}) },
  'GET /keys': {},
  'POST /keys/:key_id/rotate': {},
  'DELETE /keys/:key_id': {},
  'GET /metrics': {},
  'GET /health': {},
  'GET /ready': {},
  'GET /openapi.json': {},
  'GET /docs': {},
  // Asked without an upgrade; test/http/workspaces.test.ts opens sockets.
  'GET /': { query: '?agent_id=opencode://backend' },
  'GET /ws': { query: '?agent_id=opencode://backend' },
};

export function ask({ call }: Pick<Http, 'call'>, route: string, named: Names, as: Call): Promise<Reply> {
  const { message = 'queued', query = '', body } = routeRequests[route] ?? {};
  const [method = '', template = ''] = route.split(' ');
  const path = template
    .replace(':agent_id', named.agent)
    .replace(':session_id', named.session)
    .replace(':chat_id', named.chat)
    .replace(':task_id', named.task)
    .replace(':key_id', named.key)
    .replace(':message_id', named[message]);
  return call(method, path + query, { ...as, ...(body && { body: body(named) }) });
}
