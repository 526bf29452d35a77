import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, key, orchestrator, startBus, v1, waiting } from '../support/running-bus.ts';
import { SocketClient } from '../support/socket-client.ts';

const refused = (status: number, code: string) =>
  expect.objectContaining({ status, body: expect.objectContaining({ code, status }) });

/** What the server answers until it ends the connection. */
async function rawUpgrade(
  port: number,
  path: string,
  header: string,
  key = 'dGhlIHNhbXBsZSBub25jZQ==',
): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
      `sec-websocket-key: ${key}\r\n${header}\r\n`,
  );
  await once(socket, 'close');
  return answer;
}

describe('who may open a socket', () => {
  it.each([
    ['the header x-agent-api-key', [], { 'x-agent-api-key': key }, ''],
    ['Authorization: Bearer', [], { authorization: `Bearer ${key}` }, ''],
    ['a subprotocol', [`agent-bus.key.${key}`], {}, `agent-bus.key.${key}`],
    ['a subprotocol beside agent-bus.v1', [`agent-bus.key.${key}`, v1], {}, v1],
  ])('shows its key as %s', async (_how, protocols, headers, echoed) => {
    const bus = await startBus();
    const client = await bus.connect(backend, { protocols, headers: headers as Record<string, string> });
    expect(client.ws.protocol).toBe(echoed);
    client.send(envelope('m1', backend, backend));
    expect((await client.envelope()).message_id).toBe('m1');
  });

  it.each([
    ['none', [v1], {}],
    ['a wrong header', [v1], { 'x-agent-api-key': 'bus-kez' }],
    ['a wrong Bearer', [v1], { authorization: 'Bearer nope' }],
    ['a wrong subprotocol', ['agent-bus.key.nope', v1], {}],
    ['an empty subprotocol', ['agent-bus.key.', v1], {}],
  ])('gets 401 before the upgrade with %s', async (_what, protocols, headers) => {
    const bus = await startBus();
    const opening = bus.connect(backend, { protocols, headers: headers as Record<string, string> });
    await expect(opening).rejects.toEqual(refused(401, 'UNAUTHORIZED'));
    expect((await bus.call('GET', '/agents')).body.items).toEqual([]);
  });

  it('gets 400 for a key in the query string, even a valid one', async () => {
    const bus = await startBus();
    for (const name of ['key', 'token', 'api_key', 'x-agent-api-key']) {
      const url = `${bus.socketUrl(backend)}&${name}=${key}`;
      const opening = SocketClient.open(url, [v1], { headers: { 'x-agent-api-key': key } });
      await expect(opening).rejects.toEqual(refused(400, 'KEY_IN_QUERY'));
    }
  });

  it.each([
    '',
    'backend',
    'opencode:backend',
    'OPENCODE://x',
    'opencode://',
    'opencode://a/b',
    'opencode://ü',
    `a://${'x'.repeat(200)}`,
  ])('gets 400 for the agent id %j', async (agentId) => {
    const bus = await startBus();
    await expect(bus.connect(encodeURIComponent(agentId))).rejects.toEqual(refused(400, 'VALIDATION_FAILED'));
  });

  it('gets 400 without an agent id, with two, and with parameters nobody knows', async () => {
    const bus = await startBus();
    for (const query of ['', '?', '?agent=x', `?agent_id=${backend}&agent_id=${backend}`, `?agent_id=${backend}&x=1`]) {
      const opening = SocketClient.open(`ws://127.0.0.1:${bus.port}/${query}`, [v1], {
        headers: { 'x-agent-api-key': key },
      });
      await expect(opening, query).rejects.toEqual(refused(400, 'VALIDATION_FAILED'));
    }
  });

  it('is not the bus itself', async () => {
    const bus = await startBus();
    await expect(bus.connect('bus://agent-bus')).rejects.toEqual(refused(403, 'FORBIDDEN'));
    const descriptor = { agent_descriptor: { agent_id: 'bus://agent-bus', capabilities: [] } };
    expect(await bus.call('POST', '/agents/register', descriptor)).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
  });

  it('uses the token of an agent for that agent alone', async () => {
    const bus = await startBus();
    const token = await bus.register(backend);
    await bus.register(frontend);
    await expect(bus.connect(frontend, { key: token })).rejects.toEqual(refused(403, 'FORBIDDEN'));
    const client = await bus.connect(backend, { key: token });
    client.send(envelope('forged', orchestrator, frontend));
    expect(await client.next()).toMatchObject({ type: 'rejected', message_id: 'forged', code: 'SENDER_FORBIDDEN' });
    client.send(envelope('own', backend, frontend));
    expect((await client.receipt('own')).status).toBe('queued');
    expect(await bus.ledger('forged')).toBeUndefined();
  });

  it('never speaks for the bus, whatever its key', async () => {
    const bus = await startBus();
    const client = await bus.connect(backend);
    client.send(envelope('forged', 'bus://agent-bus', backend));
    expect(await client.next()).toMatchObject({ message_id: 'forged', code: 'SENDER_FORBIDDEN' });
  });

  it('is closed with 1008 where registration is required and has not happened', async () => {
    const bus = await startBus({ registration: 'required' });
    const stranger = await bus.connect(backend, { protocols: [] });
    expect(await stranger.closed).toEqual({ code: 1008, reason: 'REGISTRATION_REQUIRED' });
    expect((await bus.call('GET', '/agents')).body.items).toEqual([]);
    await bus.register(backend);
    const client = await bus.connect(backend);
    client.send(envelope('m1', backend, backend));
    await client.envelope('m1');
  });
});

describe('a full house', () => {
  it('answers the next upgrade with 503 and takes it when a place is free', async () => {
    const bus = await startBus({ maxConnections: 100 });
    const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => bus.connect(`a://n${i}`)));
    await expect(bus.connect(backend)).rejects.toEqual(refused(503, 'TOO_MANY_CONNECTIONS'));
    expect((await bus.call('GET', '/agents')).status).toBe(200);
    await clients[0]?.close();
    const late = await bus.connect(backend);
    await expect(bus.connect(frontend)).rejects.toEqual(refused(503, 'TOO_MANY_CONNECTIONS'));
    await clients[1]?.cut();
    await bus.connect(frontend);
    await late.close();
  });

  it('loses no place to upgrades that were refused', async () => {
    const bus = await startBus({ maxConnections: 1 });
    for (let i = 0; i < 5; i++) {
      await expect(bus.connect('bad id')).rejects.toEqual(refused(400, 'VALIDATION_FAILED'));
      await expect(bus.connect(backend, { key: 'nope' })).rejects.toEqual(refused(401, 'UNAUTHORIZED'));
      await rawUpgrade(bus.port, `/?agent_id=${backend}`, `x-agent-api-key: ${key}\r\n`, 'short');
    }
    await expect.poll(() => bus.connect(backend).then(() => 'open', String), waiting).toBe('open');
  });

  it('counts one that never finishes its upgrade only while it is connected', async () => {
    const bus = await startBus({ maxConnections: 1 });
    const raw = await bus.openRaw(backend, v1);
    await expect(bus.connect(frontend)).rejects.toEqual(refused(503, 'TOO_MANY_CONNECTIONS'));
    raw.destroy();
    await expect.poll(() => bus.connect(frontend).then(() => 'open', String), waiting).toBe('open');
  });
});

describe('a subprotocol that is not ours', () => {
  it('is refused before the upgrade, so that no mail is on its way to a client that closes', async () => {
    const bus = await startBus();
    const opening = bus.connect(backend, { protocols: ['agent-bus.v9', 'other'] });
    await expect(opening).rejects.toEqual(refused(400, 'VALIDATION_FAILED'));
  });

  it('may stand beside ours', async () => {
    const bus = await startBus();
    const client = await bus.connect(backend, { protocols: ['agent-bus.v9', 'agent-bus.v1'] });
    expect(client.ws.protocol).toBe('agent-bus.v1');
  });
});

describe('a refused upgrade', () => {
  it.each([
    ['no key', '/?agent_id=a://b', '', 401],
    ['no agent', '/', `x-agent-api-key: ${key}\r\n`, 400],
    ['no such path', '/elsewhere', `x-agent-api-key: ${key}\r\n`, 404],
    ['a path that is no socket', '/agents', `x-agent-api-key: ${key}\r\n`, 404],
    ['the open health check', '/health', '', 200],
  ])('ends its TCP connection: %s', async (_what, path, header, status) => {
    const bus = await startBus();
    const answer = await rawUpgrade(bus.port, path, header);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
  });

  it('is what a plain GET of the socket gets as well, with 426', async () => {
    const bus = await startBus();
    for (const path of ['/', '/ws']) {
      const reply = await bus.call('GET', `${path}?agent_id=${backend}`);
      expect(reply).toMatchObject({ status: 426, body: { code: 'UPGRADE_REQUIRED' } });
    }
  });
});
