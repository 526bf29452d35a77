import { describe, expect, it } from 'vitest';
import { encodeAgentId } from '../../src/http/agent-url.ts';
import { backend, frontend, startBus } from '../support/running-bus.ts';
import { expectProblem, register, startHttp } from './start-http.ts';

const descriptor = { agent_id: 'opencode://backend', capabilities: ['implementation'] };

describe('the agent directory over HTTP', () => {
  it('answers the first registration with 201 and a token, a later one with 200 and none', async () => {
    const { call } = await startHttp();
    const first = await call('POST', '/agents/register', { body: { agent_descriptor: descriptor } });
    expect(first.status).toBe(201);
    expect(first.body.token).toMatch(/./);
    expect(first.headers['cache-control']).toBe('no-store');
    const again = await call('POST', '/agents/register', { body: { agent_descriptor: descriptor } });
    expect(again.status).toBe(200);
    expect(again.body).not.toHaveProperty('token');
  });

  it('shows an agent by its id, percent-encoded or as it is', async () => {
    const http = await startHttp();
    await register(http, 'opencode://backend');
    for (const id of ['opencode%3A%2F%2Fbackend', 'opencode://backend', 'opencode:%2F%2Fbackend']) {
      expect((await http.call('GET', `/agents/${id}`)).body.agent.agent_id, id).toBe('opencode://backend');
    }
  });

  it('lists agents by framework and presence', async () => {
    const http = await startHttp();
    await register(http, 'opencode://backend', 'codex://frontend');
    const listed = async (query: string): Promise<string[]> =>
      (await http.call('GET', `/agents${query}`)).body.items.map((agent: { agent_id: string }) => agent.agent_id);
    expect((await listed('')).sort()).toEqual(['codex://frontend', 'opencode://backend']);
    expect(await listed('?framework=codex')).toEqual(['codex://frontend']);
    expect(await listed('?online=true')).toEqual([]);
    expect(await listed('?online=false&limit=10')).toHaveLength(2);
  });

  it('forgets an agent', async () => {
    const http = await startHttp();
    await register(http, 'opencode://backend');
    const gone = await http.call('DELETE', '/agents/opencode://backend');
    expect({ status: gone.status, text: gone.text }).toEqual({ status: 204, text: '' });
    expectProblem(await http.call('GET', '/agents/opencode://backend'), 404, 'AGENT_NOT_FOUND');
  });

  it('closes the sockets of an agent that is deleted, and no others', async () => {
    const bus = await startBus();
    const [first, second, other] = [
      await bus.connect(backend),
      await bus.connectPlain(backend),
      await bus.connect(frontend),
    ];
    expect((await bus.call('DELETE', `/agents/${backend}`)).status).toBe(204);
    for (const client of [first, second]) {
      expect(await client.closed).toEqual({ code: 1008, reason: 'AGENT_NOT_FOUND' });
    }
    expect((await bus.call('GET', '/agents')).body.items).toMatchObject([{ agent_id: frontend, online: true }]);
    await other.roundTrip();
  });

  it.each([
    [{}, 'agent_descriptor'],
    [{ agent_descriptor: { agent_id: 'opencode://backend' } }, 'capabilities'],
    [{ agent_descriptor: { ...descriptor, agent_id: 'nobody' } }, '/agent_descriptor/agent_id'],
    [{ agent_descriptor: { ...descriptor, colour: 1 } }, 'colour'],
    [{ agent_descriptor: descriptor, health_check_url: 'not a url' }, '/health_check_url'],
  ])('refuses the registration %j and names %s', async (body, name) => {
    const { call } = await startHttp();
    const reply = await call('POST', '/agents/register', { body });
    expectProblem(reply, 400, 'VALIDATION_FAILED');
    expect(JSON.stringify(reply.body.errors)).toContain(name);
  });
});

describe('an agent id in a URL', () => {
  it.each([
    ['/agents/codex://qa/messages?max=1', '/agents/codex%3A%2F%2Fqa/messages?max=1'],
    ['/agents/codex://qa', '/agents/codex%3A%2F%2Fqa'],
    ['/sessions/s1/participants/codex://qa', '/sessions/s1/participants/codex%3A%2F%2Fqa'],
    ['/agents/codex://q%40a/messages/m:1/ack', '/agents/codex%3A%2F%2Fq%40a/messages/m:1/ack'],
  ])('%s is read as %s', (plain, encoded) => {
    expect(encodeAgentId(plain)).toBe(encoded);
  });

  it.each(['/agents/codex%3A%2F%2Fqa', '/agents?after=a://b', '/messages/send', '/?agent_id=codex://qa', 'http://x/'])(
    '%s stays as it is',
    (url) => {
      expect(encodeAgentId(url)).toBe(url);
    },
  );
});
