// Route by route, credential by credential: whoever lacks the scope of a route is refused for that, and nobody else.
import { describe, expect, it } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { operator } from '../../src/bus/identity.ts';
import { framePolicy, policy } from '../../src/http/policy.ts';
import type { Scope } from '../../src/protocol/types.gen.ts';
import { backend, envelope, orchestrator, startBus } from '../support/running-bus.ts';
import { expectProblem, type Http, shareHttp, startHttp } from './start-http.ts';

const scopes: Scope[] = ['send', 'receive', 'sessions', 'admin'];
const agent = 'opencode://backend';

/** Of the default workspace, with these scopes. */
async function keyWith({ keys }: Bus, granted: Scope[], more: object = {}): Promise<string> {
  return (await keys.create(operator, { workspace_id: 'default', scopes: granted, ...more })).secret;
}

/** What a route needs to be asked at all. */
const bodies: Readonly<Record<string, unknown>> = {
  'POST /agents/register': { agent_descriptor: { agent_id: agent, capabilities: [] } },
  'POST /messages/send': { sender: { agent_id: agent }, recipient: { agent_id: agent }, message_type: 'status_update' },
  'POST /messages/batch': { messages: [{}] },
  'POST /sessions/:session_id/participants': { agent_id: agent },
  'PATCH /sessions/:session_id/workflow': { current_step: null },
  'PATCH /sessions/:session_id/context': {},
  'PUT /sessions/:session_id/context': {},
  'PATCH /sessions/:session_id/tasks/:task_id': { status: 'failed' },
  'POST /sessions/:session_id/terminate': { reason: 'x' },
  'POST /sessions/:session_id/chats': { agent_id: agent },
  'POST /sessions/:session_id/chats/:chat_id/messages': { content: 'Hello!' },
};

function ask({ call }: Http, route: string, key: string | null) {
  const [method = '', template = ''] = route.split(' ');
  const path = template
    .replace(':agent_id', agent)
    .replace(':session_id', 'none')
    .replace(':chat_id', 'none')
    .replace(':task_id', 'none')
    .replace(':message_id', 'none')
    .replace(':key_id', 'key_none');
  const query = path === '/' || path === '/ws' ? `?agent_id=${agent}` : '';
  const body = bodies[route];
  return call(method, path + query, { key, ...(body !== undefined && { body }) });
}

const shared = shareHttp();

describe.each(Object.entries(policy))('%s', (route, { scope: named, who }) => {
  // Keys that are for no agent keep the tokens of agents as administrators.
  const scope = who === 'keeper' ? 'admin' : named;

  it('is for nobody without a key', async () => {
    expectProblem(await ask(shared(), route, null), 401, 'UNAUTHORIZED');
  });

  it('is refused for want of its scope, and only then', async () => {
    const http = shared();
    for (const granted of [[], ...scopes.map((one) => [one]), scopes, scopes.filter((one) => one !== scope)]) {
      const reply = await ask(http, route, await keyWith(http.bus, granted as Scope[]));
      const isScopeMissing = scope !== undefined && !(granted as Scope[]).includes(scope);
      const isRefused = reply.body?.code === 'FORBIDDEN' && reply.body.error.startsWith('This needs the scope');
      expect(isRefused, `${granted.join()}: ${reply.text}`).toBe(isScopeMissing);
    }
  });

  it('is refused for want of its scope to the operator never', async () => {
    expect((await ask(shared(), route, 'test-key')).body?.code).not.toBe('FORBIDDEN');
  });
});

describe('a socket', () => {
  it('is opened with the scope receive only', async () => {
    const bus = await startBus();
    const keyOf = async (...granted: Scope[]) => (await bus.call('POST', '/keys', { scopes: granted })).body.secret;
    await expect(bus.connect(backend, { key: await keyOf('send', 'sessions', 'admin') })).rejects.toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    const socket = await bus.connect(backend, { key: await keyOf('receive') });
    await bus.send(envelope('m1', orchestrator, backend));
    await socket.envelope('m1');
    socket.ack('m1');
    await bus.untilStatus('m1', 'acknowledged');
    expect(framePolicy.envelope).toBe('send');
    socket.send(envelope('m2', backend, backend));
    expect(await socket.type('rejected')).toMatchObject({ message_id: 'm2', code: 'FORBIDDEN' });
  });
});

describe('the token of an agent', () => {
  it('has all scopes but admin', async () => {
    const http = await startHttp();
    const { body } = await http.call('POST', '/agents/register', { body: bodies['POST /agents/register'] });
    for (const [route, { scope }] of Object.entries(policy)) {
      if (scope === undefined || route === 'DELETE /agents/:agent_id') continue;
      const reply = await ask(http, route, body.token);
      const isRefused = reply.body?.code === 'FORBIDDEN' && reply.body.error.startsWith('This needs the scope');
      expect(isRefused, `${route}: ${reply.text}`).toBe(scope === 'admin');
    }
  });

  it('may no more than the key that registered the agent, and ends with it', async () => {
    const http = await startHttp();
    const registrar = await keyWith(http.bus, ['receive'], { expires_in: '1h' });
    const { body } = await http.call('POST', '/agents/register', {
      key: registrar,
      body: bodies['POST /agents/register'],
    });
    expectProblem(await ask(http, 'POST /messages/send', body.token), 403, 'FORBIDDEN');
    expect((await ask(http, 'GET /agents/:agent_id/messages', body.token)).status).toBe(200);
    const principal = await http.bus.authenticate(body.token);
    expect(principal.scopes).toEqual(['receive']);
    expect((principal.expiresAt ?? 0) - Date.now()).toBeGreaterThan(3_500_000);
    expect((principal.expiresAt ?? 0) - Date.now()).toBeLessThanOrEqual(3_600_000);
  });
});
