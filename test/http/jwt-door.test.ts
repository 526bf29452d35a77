import { describe, expect, it } from 'vitest';
import { audience, goodToken, issuer, jwtSecret } from '../support/jwt.ts';
import { backend, envelope, frontend, startBus } from '../support/running-bus.ts';

const start = () => startBus({ jwtSecret, jwtIssuer: issuer, jwtAudience: audience });

describe('a bus that takes tokens of an issuer', () => {
  it('knows their workspace, user, agent and scopes on every way in', async () => {
    const { call, connect, send } = await start();
    const credential = goodToken(Date.now(), { user_id: 'ann', agent_id: backend, scope: 'send receive' });
    const socket = await connect(backend, { key: credential });
    const { body } = await call('GET', `/agents/${backend}`, undefined, credential);
    expect(body.agent).toMatchObject({ online: true, user_id: 'ann' });
    expect((await send(envelope('m1', backend, backend), credential)).status).toBe(202);
    await socket.envelope('m1');
    socket.send(envelope('m2', backend, backend));
    expect(await socket.receipt('m2')).toMatchObject({ success: true });
    expect((await send(envelope('m3', frontend, backend), credential)).body.code).toBe('SENDER_FORBIDDEN');
    expect((await call('GET', '/sessions', undefined, credential)).body.code).toBe('FORBIDDEN');
    expect((await call('GET', '/agents?workspace_id=team-b', undefined, credential)).status).toBe(403);
    await expect(connect(frontend, { key: credential })).rejects.toMatchObject({ status: 403 });
  });

  it('answers a plain send with one that it has not seen', async () => {
    const { send } = await start();
    const credential = goodToken(Date.now(), { agent_id: backend });
    for (const id of ['m1', 'm2']) {
      expect((await send(envelope(id, backend, frontend), credential)).body.code).toBe('AGENT_NOT_FOUND');
    }
  });

  it('refuses bad ones with 401, on sockets too', async () => {
    const { port, connect } = await start();
    const credential = goodToken(Date.now(), { iss: 'https://evil.test/' });
    const authorization = `Bearer ${credential}`;
    const reply = await fetch(`http://127.0.0.1:${port}/agents`, { headers: { authorization } });
    expect(reply.status).toBe(401);
    expect(reply.headers.get('www-authenticate')).toBe('Bearer');
    expect(await reply.json()).toMatchObject({ code: 'UNAUTHORIZED', error: expect.stringContaining('iss') });
    await expect(connect(backend, { key: credential })).rejects.toMatchObject({ status: 401 });
    const sent = await fetch(`http://127.0.0.1:${port}/messages/send`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(envelope('m1', backend, backend)),
    });
    expect(sent.status).toBe(401);
  });

  it('closes a socket within five seconds of the end of its token', async () => {
    const { connect } = await start();
    const end = Math.floor(Date.now() / 1_000) + 1;
    const socket = await connect(backend, { key: goodToken(Date.now(), { exp: end }) });
    expect(await socket.closed).toEqual({ code: 1008, reason: 'UNAUTHORIZED' });
    expect(Date.now()).toBeGreaterThan(end * 1_000);
    expect(Date.now() - end * 1_000).toBeLessThan(5_000);
  });

  it('takes none where none are configured', async () => {
    const { call } = await startBus();
    expect((await call('GET', '/agents', undefined, goodToken(Date.now()))).status).toBe(401);
  });
});
