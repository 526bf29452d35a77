// What a route declares about itself: enough to validate what comes in and to document what goes out.
import type { FastifySchema } from 'fastify';
import { refOf } from '../schema/registry.ts';

const paramDefinitions = {
  agent_id: 'AgentId',
  session_id: 'SessionId',
  chat_id: 'ChatId',
  message_id: 'MessageId',
  task_id: 'TaskId',
  key_id: 'KeyId',
} as const;

/** Every name is a definition of schemas/. */
interface RouteDeclaration {
  tag: 'Agents' | 'Keys' | 'Mailbox' | 'Messages' | 'Dead letters' | 'Sessions' | 'Chats' | 'System' | 'Socket';
  summary: string;
  description?: string;
  params?: readonly (keyof typeof paramDefinitions)[];
  query?: string;
  body?: string;
  /** Success status -> definition of the body; `null` for a reply without one. */
  replies: Readonly<Record<number, string | null>>;
  /** The media type of the 200 reply as text. */
  textAs?: 'text/event-stream' | 'text/markdown' | 'text/plain';
  /** No key is needed. */
  open?: boolean;
}

const phrases: Readonly<Record<string, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'Done',
};

const problem = {
  description: 'Every error is a problem; `code` says which.',
  content: {
    'application/problem+json': { schema: { $ref: refOf('Problem') } },
  },
};

function replySchema(status: string, definition: string | null, textAs: string | undefined): object {
  const description = phrases[status] ?? 'OK';
  const text = status === '200' ? textAs : undefined;
  if (text === undefined) return definition ? { description, $ref: refOf(definition) } : { description, type: 'null' };
  const content = {
    ...(definition && { 'application/json': { schema: { $ref: refOf(definition) } } }),
    [text]: { schema: { type: 'string' } },
  };
  return { description, content };
}

export function routeSchema(route: RouteDeclaration): FastifySchema {
  const schema: FastifySchema = {
    tags: [route.tag],
    summary: route.summary,
    response: {
      ...Object.fromEntries(
        Object.entries(route.replies).map(([status, name]) => [status, replySchema(status, name, route.textAs)]),
      ),
      default: problem,
    },
  };
  if (route.description) schema.description = route.description;
  if (route.open) schema.security = [];
  if (route.query) schema.querystring = { $ref: refOf(route.query) };
  if (route.body) schema.body = { $ref: refOf(route.body) };
  if (route.params) {
    schema.params = {
      type: 'object',
      required: [...route.params],
      properties: Object.fromEntries(route.params.map((name) => [name, { $ref: refOf(paramDefinitions[name]) }])),
    };
  }
  return schema;
}
