// The OpenAPI document, made of the routes and the contract's schemas, and the viewer that shows it.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyPluginCallback, FastifySchema } from 'fastify';
import { ownKeywords, schemaDocuments } from '../schema/registry.ts';
import { version } from './version.ts';

/** A copy for OpenAPI: references point into the components, and our own keywords are left out. */
function toOpenApi(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(toOpenApi);
  if (node === null || typeof node !== 'object') return node;
  const entries = Object.entries(node).filter(([key]) => !ownKeywords.includes(key));
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      key === '$ref' ? `#/components/schemas/${nameOf(String(value))}` : toOpenApi(value),
    ]),
  );
}

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

const schemas: Record<string, object> = Object.assign(
  {},
  ...schemaDocuments.map((document) => toOpenApi(document.definitions)),
);

/** Of every route that needs a key. Not part of their own schemas: nothing but the operator's requests would be validated. */
const workspaceParameter = {
  type: 'object',
  properties: {
    'x-agent-workspace': {
      description: 'The workspace of the request, where the key is for more than one; `default` where left out.',
      ...schemas.WorkspaceId,
    },
  },
};

/** Parameters are listed one by one, so the query string cannot stay a reference. */
function describeRoute(schema: FastifySchema): FastifySchema {
  const { querystring, ...rest } = schema;
  const headers = schema.security ? {} : { headers: workspaceParameter };
  const described = { ...(toOpenApi(rest) as FastifySchema), ...headers };
  if (!querystring) return described;
  return {
    ...described,
    querystring: schemas[nameOf((querystring as { $ref: string }).$ref)],
  };
}

const description =
  'A message bus for AI agents. Success bodies carry `success: true`; every error is a problem (RFC 9457) with a ' +
  '`code`. Agents that hold a connection use the WebSocket at `/?agent_id=…` instead of pulling.';

/** Describes every route that is registered on `app` from now on. */
export function describeRoutes(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Agent communication bus', version, description },
      security: [{ key: [] }, { bearer: [] }],
      components: {
        securitySchemes: {
          key: { type: 'apiKey', in: 'header', name: 'x-agent-api-key' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
      tags: ['Messages', 'Mailbox', 'Agents', 'Sessions', 'Chats', 'Dead letters', 'Keys', 'System'].map((name) => ({
        name,
      })),
    },
    // Handed to the plugin they would be resolved one by one, which takes a quarter of a second.
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      const { openapiObject } = document;
      return Object.assign(openapiObject, { components: { ...openapiObject.components, schemas } });
    },
    transform: ({ schema, url }) => ({
      schema: schema && describeRoute(schema),
      url,
    }),
  });
}

/** `/openapi.json`, and `/docs` with its assets from the package that is installed. */
export const docRoutes: FastifyPluginCallback = (app, _options, done) => {
  // The largest answer there is; it never changes.
  let document: string | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    document ??= JSON.stringify(app.swagger());
    reply.type('application/json; charset=utf-8').send(document);
  });
  app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { layout: 'BaseLayout' },
    theme: { title: 'Agent communication bus' },
  });
  done();
};
