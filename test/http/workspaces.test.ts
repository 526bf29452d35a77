// Two workspaces with the same names in them, through every door: each is alone with its own.
import { describe, expect, it, onTestFinished } from 'vitest';
import { SocketClient } from '../support/socket-client.ts';
import { abroad, home, lead, names, openBus } from '../support/two-houses.ts';
import { expectProblem, type Http, startHttp } from './start-http.ts';
import { busKey, config } from './test-bus.ts';

const backend = names.agent;
const v1 = 'agent-bus.v1';
const keyOf: Readonly<Record<string, string>> = { [home]: 'key-of-home', [abroad]: 'key-of-abroad' };
const both = [home, abroad] as const;

const envelope = (say: string, more: object = {}) => ({
  message_id: 'm1',
  sender: { agent_id: lead },
  recipient: { agent_id: backend },
  message_type: 'task_request',
  payload: { say },
  ...more,
});

/** The same two agents in each. */
async function start(): Promise<Http & { tokens: Record<string, string> }> {
  const bus = await openBus();
  onTestFinished(() => bus.close());
  // Sockets that hold an offer at the end are not waited for.
  const http = await startHttp({ bus, config: { ...config, shutdownTimeout: 100 } });
  const tokens: Record<string, string> = {};
  for (const workspaceId of both) {
    for (const agent_id of [lead, backend]) {
      const { token } = await bus.workspace(workspaceId).agents.register({
        agent_descriptor: { agent_id, capabilities: ['work'] },
      });
      tokens[`${workspaceId} ${agent_id}`] = token ?? '';
    }
  }
  return { ...http, tokens };
}

const pull = async ({ call }: Http, workspaceId: string) =>
  (await call('GET', `/agents/${backend}/messages`, { key: keyOf[workspaceId] ?? '' })).body.items.map(
    (item: { envelope: { payload: { say: string } } }) => item.envelope.payload.say,
  );

describe('the operator', () => {
  it.each([
    ['the header', (workspaceId: string) => ({ path: '', headers: { 'x-agent-workspace': workspaceId } })],
    ['the query', (workspaceId: string) => ({ path: `?workspace_id=${workspaceId}`, headers: {} })],
  ])('names the workspace with %s', async (_how, name) => {
    const http = await start();
    for (const workspaceId of both) {
      const { path, headers } = name(workspaceId);
      const sent = await http.call('POST', `/messages/send${path}`, { body: envelope(workspaceId), headers });
      expect(sent.body).toMatchObject({ success: true, message_id: 'm1', recipient: { queued: 1 } });
      expect(sent.body).not.toHaveProperty('duplicate');
    }
    for (const workspaceId of both) expect(await pull(http, workspaceId)).toEqual([workspaceId]);
  });

  it('is in the workspace default where it names none', async () => {
    const { call } = await start();
    expectProblem(await call('POST', '/messages/send', { body: envelope('x') }), 404, 'AGENT_NOT_FOUND');
    expect((await call('GET', '/agents')).body.items).toEqual([]);
    await call('POST', '/agents/register', { body: { agent_descriptor: { agent_id: backend, capabilities: [] } } });
    const named = await call('GET', '/agents', { headers: { 'x-agent-workspace': 'default' } });
    expect(named.body.items).toHaveLength(1);
  });

  it('sees the sessions of all workspaces where it names none', async () => {
    const { call } = await start();
    for (const workspace_id of both) {
      const made = await call('POST', '/sessions', { body: { session_id: `of_${workspace_id}`, workspace_id } });
      expect(made.body.session.workspace_id).toBe(workspace_id);
    }
    const ids = async (query: string) =>
      (await call('GET', `/sessions${query}`)).body.items.map((one: { session_id: string }) => one.session_id);
    expect(await ids('')).toEqual([`of_${home}`, `of_${abroad}`]);
    expect(await ids(`?workspace_id=${abroad}`)).toEqual([`of_${abroad}`]);
    expect((await call('GET', `/sessions/of_${abroad}`)).status).toBe(200);
    expect((await call('PATCH', `/sessions/of_${abroad}/context`, { body: { a: 1 } })).status).toBe(200);
    expect((await call('GET', `/sessions/of_${abroad}/messages`)).body.items).toEqual([]);
  });

  it.each([
    ['no name', 'a|b', ''],
    ['an empty one in the query', undefined, '?workspace_id='],
    ['two in the query', undefined, '?workspace_id=a&workspace_id=b'],
    ['another in the query', 'a', '?workspace_id=b'],
  ])('is refused with %s', async (_what, header, query) => {
    const { call } = await start();
    for (const path of ['/agents', '/sessions', '/dead-letters']) {
      const reply = await call('GET', path + query, header ? { headers: { 'x-agent-workspace': header } } : {});
      expectProblem(reply, 400, 'VALIDATION_FAILED');
    }
    const body = envelope('x');
    const sent = await call('POST', `/messages/send${query}`, {
      body,
      ...(header && { headers: { 'x-agent-workspace': header } }),
    });
    expectProblem(sent, 400, 'VALIDATION_FAILED');
  });
});

describe('a message', () => {
  it('may have the id of one in another workspace, and each has its own ledger', async () => {
    const http = await start();
    for (const workspaceId of both) {
      const key = keyOf[workspaceId] ?? '';
      const first = await http.call('POST', '/messages/send', { key, body: envelope(workspaceId) });
      expect(first.body).not.toHaveProperty('duplicate');
      const again = await http.call('POST', '/messages/send', { key, body: envelope(workspaceId) });
      expect(again.body.duplicate).toBe(true);
      const changed = await http.call('POST', '/messages/send', { key, body: envelope('changed') });
      expectProblem(changed, 409, 'MESSAGE_ID_CONFLICT');
    }
    await pull(http, home);
    await http.call('POST', `/agents/${backend}/messages/m1/ack`, { key: 'key-of-home' });
    const ledger = async (key: string) => (await http.call('GET', '/messages/m1', { key })).body.message;
    expect(await ledger('key-of-home')).toMatchObject({ status: 'acknowledged', recipient_agent_id: backend });
    expect(await ledger('key-of-abroad')).toMatchObject({ status: 'queued', attempts: [] });
  });

  it('finds no fallback and nobody with a capability in another workspace', async () => {
    const { call } = await start();
    await call('POST', '/agents/register', {
      key: 'key-of-abroad',
      body: { agent_descriptor: { agent_id: 'codex://far', capabilities: ['rare'] } },
    });
    const strays = [
      envelope('x', { recipient: { capability: 'rare' } }),
      envelope('x', { recipient: { agent_id: 'codex://none' }, routing: { fallback_agents: ['codex://far'] } }),
    ];
    for (const body of strays) {
      expectProblem(await call('POST', '/messages/send', { key: 'key-of-home', body }), 404, 'AGENT_NOT_FOUND');
      const there = await call('POST', '/messages/send', {
        key: 'key-of-abroad',
        body: { ...body, message_id: undefined },
      });
      expect(there.body.recipient.agent_id).toBe('codex://far');
    }
  });

  it('that dies is told of in its workspace, and is redriven there', async () => {
    const http = await start();
    for (const workspaceId of both) {
      await http.call('POST', '/messages/send', { key: keyOf[workspaceId] ?? '', body: envelope(workspaceId) });
    }
    const key = 'key-of-home';
    await pull(http, home);
    await http.call('POST', `/agents/${backend}/messages/m1/nack`, { key, body: { requeue: false } });
    await expect.poll(async () => (await http.call('GET', '/dead-letters', { key })).body.items.length).toBe(1);
    const [letter] = (await http.call('GET', '/dead-letters', { key })).body.items;
    expect(letter).toMatchObject({ message_id: 'm1', recipient_agent_id: backend, status: 'dead' });
    const told = async (as: string) => (await http.call('GET', `/agents/${lead}/messages`, { key: as })).body.items;
    expect(await told('key-of-abroad')).toEqual([]);
    expect((await told(key))[0].envelope).toMatchObject({
      sender: { agent_id: 'bus://agent-bus' },
      payload: { code: 'DELIVERY_FAILED', message_id: 'm1', recipient: backend },
    });
    expect((await http.call('GET', '/dead-letters', { key: 'key-of-abroad' })).body.items).toEqual([]);
    expect((await http.call('POST', '/dead-letters/m1/redrive', { key })).body.status).toBe('queued');
    expect(await pull(http, home)).toEqual([home]);
    expect(await pull(http, abroad)).toEqual([abroad]);
  });

  it('that is sync is answered in its workspace', async () => {
    const http = await start();
    const routing = { delivery_mode: 'sync', timeout: '2s' };
    const asking = both.map((workspaceId) =>
      http.call('POST', '/messages/send', { key: keyOf[workspaceId] ?? '', body: envelope(workspaceId, { routing }) }),
    );
    for (const workspaceId of both) {
      await expect.poll(() => pull(http, workspaceId)).toEqual([workspaceId]);
    }
    for (const workspaceId of [...both].reverse()) {
      const answered = await http.call('POST', '/messages/send', {
        key: keyOf[workspaceId] ?? '',
        body: {
          message_id: 'r1',
          sender: { agent_id: backend },
          recipient: { agent_id: lead },
          message_type: 'task_response',
          payload: { from: workspaceId },
          metadata: { in_reply_to: 'm1' },
        },
      });
      expect(answered.status).toBe(202);
    }
    const replies = await Promise.all(asking);
    expect(replies.map(({ body }) => body.reply.payload.from)).toEqual([...both]);
  });
});

describe("an agent's token", () => {
  it('is for the agent in its workspace alone', async () => {
    const http = await start();
    const key = http.tokens[`${home} ${lead}`] ?? '';
    for (const headers of [{}, { 'x-agent-workspace': home }]) {
      const sent = await http.call('POST', '/messages/send', { key, headers, body: envelope(home) });
      expect(sent.status).toBe(202);
    }
    const headers = { 'x-agent-workspace': abroad };
    expectProblem(
      await http.call('POST', '/messages/send', { key, headers, body: envelope(home) }),
      403,
      'WORKSPACE_FORBIDDEN',
    );
    expectProblem(
      await http.call('POST', '/sessions', { key, body: { orchestrator: lead, workspace_id: abroad } }),
      403,
      'WORKSPACE_FORBIDDEN',
    );
    expect(await pull(http, home)).toEqual([home]);
    expect(await pull(http, abroad)).toEqual([]);
  });

  it('ends with the agent, and not with the one of the same name elsewhere', async () => {
    const http = await start();
    await http.call('DELETE', `/agents/${lead}`, { key: 'key-of-abroad' });
    const as = (workspaceId: string) =>
      http.call('GET', '/agents', { key: http.tokens[`${workspaceId} ${lead}`] ?? '' });
    expect((await as(home)).status).toBe(200);
    expectProblem(await as(abroad), 401, 'UNAUTHORIZED');
  });
});

describe('a socket', () => {
  const open = (http: Http, query: string, headers: Record<string, string>) =>
    SocketClient.open(`ws://127.0.0.1:${http.port}/?agent_id=${query}`, [v1], { headers });
  const openIn = async (http: Http, workspaceId: string, agentId = backend) => {
    const client = await open(http, agentId, { 'x-agent-api-key': keyOf[workspaceId] ?? '' });
    await client.type('hello');
    return client;
  };

  it('gets the mail of its workspace, and settles nothing else', async () => {
    const http = await start();
    const [here, there] = [await openIn(http, home), await openIn(http, abroad)];
    await http.call('POST', '/messages/send', { key: 'key-of-home', body: envelope('m1 of home') });
    expect((await here.envelope()).payload.say).toBe('m1 of home');
    there.send({ type: 'ack', message_id: 'm1' });
    expect(await there.type('rejected')).toMatchObject({ code: 'MESSAGE_NOT_FOUND', message_id: 'm1' });
    there.send({ type: 'nack', message_id: 'm1', requeue: false });
    expect(await there.type('rejected')).toMatchObject({ code: 'MESSAGE_NOT_FOUND', message_id: 'm1' });
    there.send({ ...envelope('hb'), message_type: 'heartbeat', message_id: 'hb1' });
    expect((await there.envelope()).message_id).toBe('hb1');
    here.send({ type: 'ack', message_id: 'm1' });
    await expect
      .poll(async () => (await http.call('GET', '/messages/m1', { key: 'key-of-home' })).body.message.status)
      .toBe('acknowledged');
    expect(here.unread).toEqual([]);
  });

  it('keeps its offers when one of the same name elsewhere goes', async () => {
    const http = await start();
    const [here, there] = [await openIn(http, home), await openIn(http, abroad)];
    await http.call('POST', '/messages/send', { key: 'key-of-home', body: envelope('x') });
    await here.envelope();
    await http.call('DELETE', `/agents/${backend}`, { key: 'key-of-abroad' });
    expect(await there.closed).toEqual({ code: 1008, reason: 'AGENT_NOT_FOUND' });
    const { message } = (await http.call('GET', '/messages/m1', { key: 'key-of-home' })).body;
    expect(message).toMatchObject({ status: 'offered', attempts: [{ outcome: 'open' }] });
    const agent = (await http.call('GET', `/agents/${backend}`, { key: 'key-of-home' })).body.agent;
    expect(agent).toMatchObject({ online: true, connections: 1, in_flight: 1 });
  });

  it.each([
    ['header', backend, { 'x-agent-workspace': home }],
    ['query', `${backend}&workspace_id=${home}`, {}],
  ])('of the operator is in the workspace that its %s names', async (_where, query, headers) => {
    const http = await start();
    const client = await open(http, query, { 'x-agent-api-key': busKey, ...(headers as Record<string, string>) });
    await http.call('POST', '/messages/send', { key: 'key-of-home', body: envelope('x') });
    await client.type('hello');
    expect((await client.envelope()).payload.say).toBe('x');
  });

  it.each([
    ['a key of another workspace', 'key-of-abroad', 'WORKSPACE_FORBIDDEN'],
    ['a key of a user', 'key-of-owner', 'FORBIDDEN'],
  ])('is not opened with %s', async (_what, key, code) => {
    const http = await start();
    const opening = open(http, `${backend}&workspace_id=${home}`, { 'x-agent-api-key': key });
    await expect(opening).rejects.toMatchObject({ status: 403, body: { code } });
  });

  it('of a session broadcasts to its participants only', async () => {
    const http = await start();
    for (const workspaceId of both) {
      const body = { session_id: 's1', orchestrator: lead, participants: [{ agent_id: backend }] };
      await http.call('POST', '/sessions', { key: keyOf[workspaceId] ?? '', body });
    }
    const [here, there] = [await openIn(http, home), await openIn(http, abroad)];
    const sender = await openIn(http, home, lead);
    sender.send(envelope('all', { message_type: 'status_update', recipient: { session_id: 's1' } }));
    expect((await here.envelope()).payload.say).toBe('all');
    const { body } = await http.call('GET', '/sessions/s1/messages', { key: 'key-of-abroad' });
    expect(body.items).toEqual([]);
    expect(there.unread).toEqual([]);
  });
});

describe('the stream of a session', () => {
  it('has the events of its workspace only', async () => {
    const { call, bus, url } = await start();
    for (const workspaceId of both) {
      await call('POST', '/sessions', { key: keyOf[workspaceId] ?? '', body: { session_id: 's1' } });
    }
    const gone = new AbortController();
    const read = (key: string) =>
      fetch(`${url}/sessions/s1/events`, {
        headers: { 'x-agent-api-key': key, accept: 'text/event-stream' },
        signal: gone.signal,
      });
    await read('key-of-home');
    const reply = await read('key-of-abroad');
    bus.workspace(home).sessions.updateSharedContext('s1', { secret: 'of home' });
    await bus.workspace(home).sessions.settled('s1');
    bus.workspace(abroad).sessions.updateSharedContext('s1', { last: true });
    let text = '';
    for await (const chunk of reply.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('last')) break;
    }
    gone.abort();
    expect(text).toContain('context_updated');
    expect(text).not.toContain('of home');
  });
});
