// Every route, asked from another workspace and by another user: what is there is answered like what is not, and stays as it is.
import { beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/http/app.ts';
import {
  abroad,
  canary,
  home,
  inventory,
  missing,
  type Names,
  names,
  openFurnished,
  other,
  startFurnished,
} from '../support/two-houses.ts';
import { ask, envelope, routeRequests } from './route-requests.ts';
import type { Call, Http, OpenHttp, Reply } from './start-http.ts';
import { busKey, config, openTestAudit, openTestBus } from './test-bus.ts';

/**
 * hidden: 404, the same as for what does not exist. empty: a list without items. refused: 403, the same as for what does
 * not exist. apart: done, but elsewhere. shared: answered as to those who live there. taken: 404, and where it is free it
 * is done, since the users of a workspace share its names.
 */
type Outcome = 'hidden' | 'empty' | 'refused' | 'apart' | 'shared' | 'taken';

interface Row {
  fromWorkspace: Outcome;
  fromUser: Outcome;
}

const table: Readonly<Record<string, Row>> = {
  'POST /agents/register': { fromWorkspace: 'apart', fromUser: 'taken' },
  'GET /agents': { fromWorkspace: 'empty', fromUser: 'apart' },
  'GET /agents/:agent_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'DELETE /agents/:agent_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /agents/:agent_id/token': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /agents/:agent_id/messages': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /agents/:agent_id/messages/:message_id/ack': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /agents/:agent_id/messages/:message_id/nack': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /messages/send': { fromWorkspace: 'hidden', fromUser: 'refused' },
  'POST /messages/batch': { fromWorkspace: 'apart', fromUser: 'apart' },
  'GET /messages/:message_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /dead-letters': { fromWorkspace: 'empty', fromUser: 'refused' },
  'POST /dead-letters/:message_id/redrive': { fromWorkspace: 'hidden', fromUser: 'refused' },
  'DELETE /dead-letters/:message_id': { fromWorkspace: 'hidden', fromUser: 'refused' },
  'POST /sessions': { fromWorkspace: 'apart', fromUser: 'apart' },
  'GET /sessions': { fromWorkspace: 'empty', fromUser: 'empty' },
  'GET /sessions/:session_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'DELETE /sessions/:session_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /sessions/:session_id/participants': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'DELETE /sessions/:session_id/participants/:agent_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'PATCH /sessions/:session_id/workflow': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /sessions/:session_id/workflow/advance': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'PATCH /sessions/:session_id/context': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'PUT /sessions/:session_id/context': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/tasks': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/tasks/:task_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'PATCH /sessions/:session_id/tasks/:task_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/messages': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/events': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /sessions/:session_id/complete': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /sessions/:session_id/terminate': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/summary': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /sessions/:session_id/chats': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/chats': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/chats/:chat_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'DELETE /sessions/:session_id/chats/:chat_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /sessions/:session_id/chats/:chat_id/switch': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'POST /sessions/:session_id/chats/:chat_id/messages': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /sessions/:session_id/chats/:chat_id/history': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'DELETE /sessions/:session_id/chats/:chat_id/history': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /audit': { fromWorkspace: 'empty', fromUser: 'refused' },
  'POST /keys': { fromWorkspace: 'apart', fromUser: 'apart' },
  'GET /keys': { fromWorkspace: 'empty', fromUser: 'empty' },
  'POST /keys/:key_id/rotate': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'DELETE /keys/:key_id': { fromWorkspace: 'hidden', fromUser: 'hidden' },
  'GET /metrics': { fromWorkspace: 'refused', fromUser: 'refused' },
  'GET /health': { fromWorkspace: 'shared', fromUser: 'shared' },
  'GET /ready': { fromWorkspace: 'shared', fromUser: 'shared' },
  'GET /openapi.json': { fromWorkspace: 'shared', fromUser: 'shared' },
  'GET /docs': { fromWorkspace: 'shared', fromUser: 'shared' },
  'GET /': { fromWorkspace: 'shared', fromUser: 'shared' },
  'GET /ws': { fromWorkspace: 'shared', fromUser: 'shared' },
};

async function registeredRoutes(): Promise<string[]> {
  const app = buildApp({ bus: await openTestBus(), audit: openTestAudit(), config });
  const routes: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD' && url !== '/docs/' && !url.startsWith('/docs/')) routes.push(`${method} ${url}`);
  });
  await app.ready();
  await app.close();
  return [...new Set(routes)];
}

/** What does not depend on which name was asked for. */
function nameless({ status, text }: Reply, named: Names): unknown {
  return { status, text: Object.values(named).reduce((rest: string, name) => rest.replaceAll(name, '*'), text) };
}

/** A key that lives where the home is, for this kind of intruder. */
const insiders: Readonly<Record<'fromWorkspace' | 'fromUser', Call>> = {
  fromWorkspace: { key: 'key-of-home' },
  fromUser: { key: 'key-of-owner' },
};

const intruders: readonly [who: string, kind: 'fromWorkspace' | 'fromUser', as: Call][] = [
  ['a key of another workspace', 'fromWorkspace', { key: 'key-of-abroad' }],
  ['the bus key in another workspace', 'fromWorkspace', { key: busKey, headers: { 'x-agent-workspace': abroad } }],
  ['a key of another user', 'fromUser', { key: 'key-of-stranger' }],
];

const routes = Object.entries(table);

it('every route is asked from outside', async () => {
  expect(Object.keys(table).sort()).toEqual((await registeredRoutes()).sort());
  expect(Object.keys(routeRequests).sort()).toEqual(Object.keys(table).sort());
});

/** A home for all tests of the group that leave it as it is. */
function sharedHome(): () => Http {
  let http: OpenHttp;
  beforeAll(async () => {
    http = await openFurnished();
    return () => http.close();
  });
  return () => http;
}

describe.each(intruders)('to %s', (_who, kind, as) => {
  const shared = sharedHome();

  it.each(routes)('nothing is given of the home, and nothing changes there: %s', async (route, row) => {
    const outcome = row[kind];
    if (route === 'GET /metrics' && as.key === busKey) return;
    const http = outcome === 'apart' ? await startFurnished() : shared();
    const before = await inventory(http.bus);
    const reply = await ask(http, route, names, as);

    expect(await inventory(http.bus), 'the home').toEqual(before);
    expect(reply.text).not.toContain(canary);
    if (outcome === 'hidden' || outcome === 'refused') {
      expect(reply.status, reply.text).toBe(outcome === 'hidden' ? 404 : 403);
      const none = await ask(http, route, missing, as);
      expect(nameless(reply, names)).toEqual(nameless(none, missing));
    }
    if (outcome === 'taken') expect(reply.status, reply.text).toBe(404);
    if (outcome === 'empty') expect(reply.body).toMatchObject({ success: true, items: [] });
    if (outcome === 'apart') expect(reply.status, reply.text).toBeLessThan(300);
    if (outcome === 'shared') expect((await ask(http, route, names, insiders[kind])).status).toBe(reply.status);
  });
});

describe.each(Object.entries(insiders))('to those who live there (%s)', (kind, as) => {
  const shared = sharedHome();

  const closed = routes.filter(([route, row]) => row[kind as keyof Row] !== 'shared' && route !== 'GET /metrics');
  it.each(closed)('more is given: %s', async (route, row) => {
    const outcome = row[kind as keyof Row];
    const http = route.startsWith('GET ') ? shared() : await startFurnished();
    const reply = await ask(http, route, names, outcome === 'refused' ? insiders.fromWorkspace : as);
    expect(reply.status, reply.text).toBeLessThan(300);
    if (outcome === 'empty') expect(reply.body.items.length).toBeGreaterThan(0);
  });
});

describe('to an agent', () => {
  const shared = sharedHome();

  it.each(routes)('of the same name elsewhere nothing is given: %s', async (route) => {
    // What it does to itself may cost it its token.
    const http = route.includes(' /agents') ? await startFurnished() : shared();
    const own = await http.call('POST', '/agents/register', {
      key: 'key-of-abroad',
      body: { agent_descriptor: { agent_id: names.agent, capabilities: [] } },
    });
    const { body } = await http.call('POST', `/agents/${names.agent}/token`, { key: 'key-of-abroad' });
    expect([own.status, (await http.call('GET', '/agents', { key: body.token })).status]).toEqual([
      expect.toBeOneOf([200, 201]),
      200,
    ]);
    const before = await inventory(http.bus);
    const reply = await ask(http, route, names, { key: body.token });
    expect(await inventory(http.bus)).toEqual(before);
    expect(reply.text).not.toContain(canary);
  });

  it.each(routes)('of the workspace, for another user, nothing is given: %s', async (route) => {
    const http = shared();
    const before = await inventory(http.bus);
    const reply = await ask(http, route, names, { key: 'key-of-strange-agent' });
    expect(await inventory(http.bus)).toEqual(before);
    expect(reply.text).not.toContain(canary);
  });
});

describe('to an intruder', () => {
  it('an agent speaks in the sessions of its user only, though it takes part in another', async () => {
    const http = await startFurnished();
    const { sessions } = http.bus.workspace(home);
    sessions.addParticipant(names.session, { agent_id: other });
    await sessions.settled(names.session);
    const before = await inventory(http.bus);
    const send = (session_id: string, key: string, message_id: string) =>
      http.call('POST', '/messages/send', {
        key,
        body: envelope(names, { message_id, sender: { agent_id: other, session_id } }),
      });
    const reply = await send(names.session, 'key-of-strange-agent', 'x1');
    expect(reply).toMatchObject({ status: 404, body: { code: 'SESSION_NOT_FOUND' } });
    const none = await send(missing.session, 'key-of-strange-agent', 'x1');
    expect(nameless(none, missing)).toEqual(nameless(reply, names));
    expect(await inventory(http.bus)).toEqual(before);
    expect((await send(names.session, 'key-of-home', 'x2')).status).toBe(202);
    // What is said in its name it may read, wherever it was.
    expect((await http.call('GET', '/messages/x2', { key: 'key-of-strange-agent' })).status).toBe(200);
  });

  it('every answer to a batch is that nobody is there', async () => {
    const http = await startFurnished();
    const codes = async (key: string) =>
      (await ask(http, 'POST /messages/batch', names, { key })).body.items.map((item: { code: string }) => item.code);
    expect(await codes('key-of-abroad')).toEqual([
      'AGENT_NOT_FOUND',
      'AGENT_NOT_FOUND',
      'AGENT_NOT_FOUND',
      'SESSION_NOT_FOUND',
      'AGENT_NOT_FOUND',
      'AGENT_NOT_FOUND',
    ]);
    expect(new Set(await codes('key-of-stranger'))).toEqual(new Set(['SENDER_FORBIDDEN']));
  });

  it.each([
    ['in the header', '/agents', { 'x-agent-workspace': home }],
    ['in the query', `/agents?workspace_id=${home}`, {}],
  ])('another workspace named %s is WORKSPACE_FORBIDDEN, whether it exists or not', async (_where, path, headers) => {
    const { call } = await startFurnished();
    const reply = await call('GET', path, { key: 'key-of-abroad', headers });
    const none = await call('GET', path.replace(home, 'none'), {
      key: 'key-of-abroad',
      headers: 'x-agent-workspace' in headers ? { 'x-agent-workspace': 'none' } : {},
    });
    expect(reply).toMatchObject({ status: 403, body: { code: 'WORKSPACE_FORBIDDEN' } });
    expect(none.text).toBe(reply.text);
  });
});
