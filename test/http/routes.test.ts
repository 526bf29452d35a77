import { describe, expect, it } from 'vitest';
import { buildApp } from '../../src/http/app.ts';
import { framePolicy, policy } from '../../src/http/policy.ts';
import { schemaDocuments } from '../../src/schema/registry.ts';
import { startHttp } from './start-http.ts';
import { config, openTestAudit, openTestBus } from './test-bus.ts';

/** The route table of the contract. */
const contract = [
  'POST /agents/register',
  'GET /agents',
  'GET /agents/{agent_id}',
  'DELETE /agents/{agent_id}',
  'POST /agents/{agent_id}/token',
  'GET /agents/{agent_id}/messages',
  'POST /agents/{agent_id}/messages/{message_id}/ack',
  'POST /agents/{agent_id}/messages/{message_id}/nack',
  'POST /messages/send',
  'POST /messages/batch',
  'GET /messages/{message_id}',
  'GET /audit',
  'GET /dead-letters',
  'POST /dead-letters/{message_id}/redrive',
  'DELETE /dead-letters/{message_id}',
  'POST /sessions',
  'GET /sessions',
  'GET /sessions/{session_id}',
  'DELETE /sessions/{session_id}',
  'POST /sessions/{session_id}/participants',
  'DELETE /sessions/{session_id}/participants/{agent_id}',
  'PATCH /sessions/{session_id}/workflow',
  'POST /sessions/{session_id}/workflow/advance',
  'PATCH /sessions/{session_id}/context',
  'PUT /sessions/{session_id}/context',
  'GET /sessions/{session_id}/tasks',
  'GET /sessions/{session_id}/tasks/{task_id}',
  'PATCH /sessions/{session_id}/tasks/{task_id}',
  'GET /sessions/{session_id}/messages',
  'GET /sessions/{session_id}/events',
  'POST /sessions/{session_id}/complete',
  'POST /sessions/{session_id}/terminate',
  'GET /sessions/{session_id}/summary',
  'POST /sessions/{session_id}/chats',
  'GET /sessions/{session_id}/chats',
  'GET /sessions/{session_id}/chats/{chat_id}',
  'DELETE /sessions/{session_id}/chats/{chat_id}',
  'POST /sessions/{session_id}/chats/{chat_id}/switch',
  'POST /sessions/{session_id}/chats/{chat_id}/messages',
  'GET /sessions/{session_id}/chats/{chat_id}/history',
  'DELETE /sessions/{session_id}/chats/{chat_id}/history',
  'POST /keys',
  'GET /keys',
  'POST /keys/{key_id}/rotate',
  'DELETE /keys/{key_id}',
  'GET /health',
  'GET /ready',
  'GET /metrics',
];

/** Not in the document: itself, its viewer, and the sockets. */
const undescribed = ['GET /openapi.json', 'GET /docs', 'GET /', 'GET /ws'];

interface Operation {
  parameters?: { in: string; name: string }[];
}

async function registeredRoutes(): Promise<string[]> {
  const app = buildApp({ bus: await openTestBus(), audit: openTestAudit(), config });
  const routes: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD' && url !== '/docs/' && !url.startsWith('/docs/')) routes.push(`${method} ${url}`);
  });
  await app.ready();
  await app.close();
  return [...new Set(routes.map((route) => route.replace(/:([a-z_]+)/g, '{$1}')))];
}

describe('the routes', () => {
  it('are those of the contract, no more and no less', async () => {
    expect((await registeredRoutes()).sort()).toEqual([...contract, ...undescribed].sort());
  });

  it('are all described in the OpenAPI document, which describes nothing else', async () => {
    const { call } = await startHttp();
    const { body } = await call('GET', '/openapi.json');
    const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual([...contract].sort());
  });

  it('have a summary, a tag, and a problem for every error', async () => {
    const { call } = await startHttp();
    const { body } = await call('GET', '/openapi.json');
    for (const methods of Object.values(body.paths as Record<string, Record<string, never>>)) {
      for (const operation of Object.values(methods)) {
        expect(operation).toMatchObject({
          summary: expect.stringMatching(/./),
          tags: [expect.any(String)],
          responses: { default: { content: { 'application/problem+json': expect.anything() } } },
        });
      }
    }
  });

  it('say where a workspace may be named, all but those that need no key', async () => {
    const { call } = await startHttp();
    const { body } = await call('GET', '/openapi.json');
    for (const [path, methods] of Object.entries(body.paths as Record<string, Record<string, Operation>>)) {
      for (const { parameters = [] } of Object.values(methods)) {
        const inHeader = parameters.filter((one) => one.in === 'header').map(({ name }) => name);
        expect(inHeader, path).toEqual(path === '/health' || path === '/ready' ? [] : ['x-agent-workspace']);
      }
    }
  });

  it('have a rule in the policy, all but those that need no key', () => {
    const open = ['GET /health', 'GET /ready'];
    const sockets = ['GET /', 'GET /ws'];
    const keyed = contract.filter((route) => !open.includes(route)).map((route) => route.replace(/\{(\w+)\}/g, ':$1'));
    expect(Object.keys(policy).sort()).toEqual([...keyed, ...sockets].sort());
  });

  it('have beside them a scope for every frame that an agent may send', () => {
    const frames = schemaDocuments.find(({ $id }) => $id === 'frames.json')?.definitions ?? {};
    const bySocket = Object.keys(frames).filter(
      (name) => name.endsWith('Frame') && !/^(Hello|Accepted|Rejected|Draining)/.test(name),
    );
    const kinds = bySocket.map((name) => name.slice(0, -'Frame'.length).toLowerCase());
    expect(Object.keys(framePolicy).sort()).toEqual(['envelope', ...kinds].sort());
  });

  it('name only schemas that the document holds', async () => {
    const { call } = await startHttp();
    const { body, text } = await call('GET', '/openapi.json');
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]);
    expect(refs.length).toBeGreaterThan(100);
    for (const ref of new Set(refs)) {
      expect(ref).toMatch(/^#\/components\/schemas\/\w+$/);
      expect(body.components.schemas).toHaveProperty(String(ref?.slice('#/components/schemas/'.length)));
    }
  });
});
