import { describe, expect, it } from 'vitest';
import type { CreateKey } from '../../src/protocol/types.gen.ts';
import { backend, envelope, frontend, key, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';
import type { SocketClient } from '../support/socket-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A key of `team-a`, as asked for. */
async function makeKey({ call }: RunningBus, asked: CreateKey = {}, as = key): Promise<{ id: string; secret: string }> {
  const { status, body } = await call('POST', '/keys', { workspace_id: 'team-a', ...asked }, as);
  expect(status, JSON.stringify(body)).toBe(201);
  return { id: body.key.key_id, secret: body.secret };
}

describe('the routes of keys', () => {
  it('make a key, show its secret once, replace it, and end it', async () => {
    const bus = await startBus();
    const { call } = bus;
    const { body: made } = await call('POST', '/keys', { workspace_id: 'team-a', name: 'CI', expires_in: '90d' });
    const id = made.key.key_id;
    expect(made).toMatchObject({ success: true, key: { name: 'CI', workspace_id: 'team-a' } });
    expect((await call('GET', '/agents', undefined, made.secret)).status).toBe(200);

    const { body: rotated } = await call('POST', `/keys/${id}/rotate`, { overlap: '1h' });
    expect(rotated.key).toMatchObject({ key_id: id, secrets: [{ ends_at: null }, { ends_at: expect.any(String) }] });
    for (const secret of [made.secret, rotated.secret]) {
      expect((await call('GET', '/agents', undefined, secret)).status).toBe(200);
    }
    const { body: listed } = await call('GET', '/keys?workspace_id=team-a');
    expect(listed.items).toEqual([rotated.key]);
    expect(JSON.stringify(listed)).not.toContain(made.secret);

    expect((await call('DELETE', `/keys/${id}`)).status).toBe(204);
    for (const secret of [made.secret, rotated.secret]) {
      expect(await call('GET', '/agents', undefined, secret)).toMatchObject({ status: 401 });
    }
    expect(await call('DELETE', `/keys/${id}`)).toMatchObject({ status: 404, body: { code: 'KEY_NOT_FOUND' } });
    expect((await call('GET', '/keys')).body.items).toEqual([]);
  });

  it('replace a secret without a body: the old one has a day', async () => {
    const bus = await startBus();
    const { id } = await makeKey(bus);
    const { body } = await bus.call('POST', `/keys/${id}/rotate`);
    const [, old] = body.key.secrets;
    expect(Date.parse(old.ends_at) - Date.now()).toBeGreaterThan(86_300_000);
  });

  it('need the scope admin, and a key with it manages its own workspace only', async () => {
    const bus = await startBus();
    const { call } = bus;
    const plain = await makeKey(bus);
    for (const [method, path] of [
      ['GET', '/keys'],
      ['POST', '/keys'],
      ['POST', `/keys/${plain.id}/rotate`],
      ['DELETE', `/keys/${plain.id}`],
    ] as const) {
      const reply = await call(method, path, undefined, plain.secret);
      expect(reply, path).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    }
    const admin = await makeKey(bus, { scopes: ['admin', 'send'] });
    const child = await makeKey(bus, { scopes: ['send'] }, admin.secret);
    expect((await call('GET', '/keys', undefined, admin.secret)).body.items).toHaveLength(3);
    const foreign = await makeKey(bus, { workspace_id: 'team-b' });
    for (const [method, path, body] of [
      ['POST', `/keys/${foreign.id}/rotate`, {}],
      ['DELETE', `/keys/${foreign.id}`, undefined],
    ] as const) {
      expect(await call(method, path, body, admin.secret)).toMatchObject({ body: { code: 'KEY_NOT_FOUND' } });
    }
    for (const [asked, code] of [
      [{ workspace_id: 'team-b' }, 'WORKSPACE_FORBIDDEN'],
      [{ scopes: ['receive'] }, 'FORBIDDEN'],
      [{}, undefined],
    ] as const) {
      expect((await call('POST', '/keys', asked, admin.secret)).body.code).toBe(code);
    }
    expect((await call('POST', `/keys/${plain.id}/rotate`, {}, admin.secret)).body.code).toBe('FORBIDDEN');
    expect((await call('DELETE', `/keys/${child.id}`, undefined, admin.secret)).status).toBe(204);
  });

  it.each([
    { expires_in: '10' },
    { expires_in: '9999d' },
    { scopes: [] },
    { scopes: ['send', 'send'] },
    { scopes: ['all'] },
    { workspace_id: 'a|b' },
    { agent_id: 'x' },
    { secret: 'mine' },
  ])('refuse %j', async (asked) => {
    const { call } = await startBus();
    expect(await call('POST', '/keys', asked)).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it('show secrets in answers that nobody is to keep, as the route of tokens does', async () => {
    const bus = await startBus();
    await bus.register(backend);
    const { id } = await makeKey(bus);
    for (const path of ['/keys', `/keys/${id}/rotate`, `/agents/${backend}/token`]) {
      const headers = { 'x-agent-api-key': key };
      const answer = await fetch(`http://127.0.0.1:${bus.port}${path}`, { method: 'POST', headers });
      expect([path, answer.ok, answer.headers.get('cache-control')]).toEqual([path, true, 'no-store']);
    }
  });

  it('keep what they answered over a restart', async () => {
    const dataDir = temporaryFolder();
    const options = { persistenceEnabled: true, dataDir };
    const before = await startBus(options);
    const kept = await makeKey(before);
    const revoked = await makeKey(before);
    const { body } = await before.call('POST', `/keys/${kept.id}/rotate`, { overlap: '0s' });
    await before.call('DELETE', `/keys/${revoked.id}`);
    await before.bus.stop();
    const { call } = await startBus(options);
    const statusOf = async (secret: string) => (await call('GET', '/agents', undefined, secret)).status;
    expect(await statusOf(body.secret)).toBe(200);
    expect(await statusOf(kept.secret)).toBe(401);
    expect(await statusOf(revoked.secret)).toBe(401);
  });
});

describe('a key that is for one agent', () => {
  it('is that agent, and no other', async () => {
    const bus = await startBus();
    const { call, connect } = bus;
    const { secret } = await makeKey(bus, { agent_id: backend });
    const socket = await connect(backend, { key: secret });
    await expect(connect(frontend, { key: secret })).rejects.toMatchObject({ status: 403 });
    socket.send(envelope('m1', frontend, backend));
    expect(await socket.type('rejected')).toMatchObject({ code: 'SENDER_FORBIDDEN' });
    expect((await call('GET', `/agents/${frontend}/messages`, undefined, secret)).status).toBe(403);
  });
});

describe('what is open with a key', () => {
  const fiveSeconds = 5_000;

  /** How long until it is closed, and with what. */
  async function closing(socket: SocketClient): Promise<{ code: number; reason: string }> {
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error('still open')), fiveSeconds).unref(),
    );
    return Promise.race([socket.closed, late]);
  }
  const unauthorized = { code: 1008, reason: 'UNAUTHORIZED' };

  it('is closed within five seconds of its revocation, a thousand sockets of it too, and nothing else', async () => {
    const bus = await startBus({ maxConnections: 1_100, maxHttpConnections: 2_000 });
    const revoked = await makeKey(bus);
    const other = await makeKey(bus);
    const agents = Array.from({ length: 1_000 }, (_, n) => `codex://agent-${n}`);
    const sockets: SocketClient[] = [];
    for (let n = 0; n < agents.length; n += 50) {
      const some = agents.slice(n, n + 50).map((agentId) => bus.connect(agentId, { key: revoked.secret }));
      sockets.push(...(await Promise.all(some)));
    }
    const bystander = await bus.connect(backend, { key: other.secret });
    await bus.call('DELETE', `/keys/${revoked.id}`);
    const closed = await Promise.all(sockets.map(closing));
    expect(closed.filter(({ code }) => code === 1008)).toHaveLength(1_000);
    expect(closed[0]).toEqual(unauthorized);
    await bystander.roundTrip();
    await expect(bus.connect(backend, { key: revoked.secret })).rejects.toMatchObject({ status: 401 });
  }, 60_000);

  it('with a secret that was replaced is closed when the overlap is over; with the new one it stays', async () => {
    const bus = await startBus();
    const { id, secret } = await makeKey(bus);
    const old = await bus.connect(backend, { key: secret });
    const { body } = await bus.call('POST', `/keys/${id}/rotate`, { overlap: '500ms' });
    const fresh = await bus.connect(backend, { key: body.secret });
    await old.roundTrip();
    expect(await closing(old)).toEqual(unauthorized);
    await fresh.roundTrip();
  });

  it('is closed when the key expires', async () => {
    const bus = await startBus();
    const { secret } = await makeKey(bus, { expires_in: '500ms' });
    expect(await closing(await bus.connect(backend, { key: secret }))).toEqual(unauthorized);
  });

  it('gets its mail back, which goes to the next socket', async () => {
    const bus = await startBus();
    const revoked = await makeKey(bus);
    const other = await makeKey(bus);
    const socket = await bus.connect(backend, { key: revoked.secret });
    await bus.send(envelope('m1', orchestrator, backend), other.secret);
    await socket.envelope('m1');
    await bus.call('DELETE', `/keys/${revoked.id}`);
    await closing(socket);
    await (await bus.connect(backend, { key: other.secret })).envelope('m1');
  });

  it('is cut off where it does not answer the close', async () => {
    const bus = await startBus();
    const { id, secret } = await makeKey(bus);
    const socket = await bus.connect(backend, { key: secret });
    socket.ws.pause();
    await bus.call('DELETE', `/keys/${id}`);
    const agentOnline = async () =>
      (await bus.call('GET', `/agents/${backend}?workspace_id=team-a`, undefined, key)).body.agent.online;
    await expect.poll(agentOnline, { timeout: fiveSeconds }).toBe(false);
  });

  it('is ended as an event stream', async () => {
    const bus = await startBus();
    const { id, secret } = await makeKey(bus);
    const { body } = await bus.call('POST', '/sessions', {}, secret);
    const headers = { 'x-agent-api-key': secret, accept: 'text/event-stream' };
    const url = `http://127.0.0.1:${bus.port}/sessions/${body.session_id}/events`;
    const stream = await fetch(url, { headers, signal: AbortSignal.timeout(fiveSeconds) });
    await bus.call('DELETE', `/keys/${id}`);
    expect(await stream.text()).toContain('event: session_created');
  });

  it('is ended as a pull that waits, and takes no mail', async () => {
    const bus = await startBus();
    const { id, secret } = await makeKey(bus);
    const other = await makeKey(bus);
    await bus.call('POST', '/agents/register', { agent_descriptor: { agent_id: backend, capabilities: [] } }, secret);
    const started = Date.now();
    const pull = bus.call('GET', `/agents/${backend}/messages?wait=60s`, undefined, secret);
    await expect
      .poll(async () => (await bus.call('GET', `/agents/${backend}`, undefined, other.secret)).body.agent.online)
      .toBe(true);
    await bus.call('DELETE', `/keys/${id}`);
    expect((await pull).body.items).toEqual([]);
    expect(Date.now() - started).toBeLessThan(fiveSeconds);
  });
});
