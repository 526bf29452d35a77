import { describe, expect, it } from 'vitest';
import { backend, frontend, startBus } from '../support/running-bus.ts';

async function start() {
  const bus = await startBus();
  const token = await bus.register(backend);
  const statusOf = async (as: string) => (await bus.call('GET', `/agents/${backend}/messages`, undefined, as)).status;
  const rotate = (as?: string, body: object = {}) => bus.call('POST', `/agents/${backend}/token`, body, as);
  return { ...bus, token, statusOf, rotate };
}

describe('the token of an agent', () => {
  it('is replaced by the agent itself, and the old one goes on for the overlap', async () => {
    const { token, statusOf, rotate, connect } = await start();
    const socket = await connect(backend, { key: token });
    const { status, body } = await rotate(token, { overlap: '500ms' });
    expect({ status, body }).toEqual({
      status: 200,
      body: { success: true, agent_id: backend, token: expect.stringMatching(/^abt_[\w-]{32}$/) },
    });
    expect([await statusOf(token), await statusOf(body.token)]).toEqual([200, 200]);
    expect(await socket.closed).toEqual({ code: 1008, reason: 'UNAUTHORIZED' });
    expect([await statusOf(token), await statusOf(body.token)]).toEqual([401, 200]);
  });

  it('has a day of overlap where none is named, and none with 0s', async () => {
    const { token, statusOf, rotate } = await start();
    const { body: second } = await rotate();
    expect(await statusOf(token)).toBe(200);
    const { body: third } = await rotate(undefined, { overlap: '0s' });
    expect([await statusOf(token), await statusOf(second.token), await statusOf(third.token)]).toEqual([401, 401, 200]);
  });

  it('is replaced by an administrator of the workspace, and by no other agent or key', async () => {
    const { rotate, register, call } = await start();
    const other = await register(frontend);
    expect((await rotate(other)).status).toBe(403);
    const keyOf = async (asked: object) => (await call('POST', '/keys', asked)).body.secret as string;
    const all = ['send', 'receive', 'sessions', 'admin'];
    expect((await rotate(await keyOf({}))).status).toBe(403);
    expect((await rotate(await keyOf({ scopes: all }))).status).toBe(200);
    expect((await rotate(await keyOf({ scopes: all, workspace_id: 'team-b' }))).status).toBe(404);
    // It would get more than it has.
    expect((await rotate(await keyOf({ scopes: ['admin'] }))).status).toBe(403);
  });

  it('that is made with one that is about to end, ends with it', async () => {
    const { token, rotate, statusOf } = await start();
    const { body: second } = await rotate(token, { overlap: '500ms' });
    const { body: third } = await rotate(token);
    expect(await statusOf(third.token)).toBe(200);
    await expect.poll(() => statusOf(third.token), { timeout: 3_000 }).toBe(401);
    expect(await statusOf(second.token)).toBe(200);
  });

  it('is not there for an agent that nobody knows', async () => {
    const { call } = await start();
    expect((await call('POST', '/agents/codex://none/token', {})).body.code).toBe('AGENT_NOT_FOUND');
  });

  it('is made for an agent that had only connected', async () => {
    const { connect, call } = await start();
    await connect(frontend);
    const { body } = await call('POST', `/agents/${frontend}/token`, {});
    expect((await call('GET', `/agents/${frontend}/messages`, undefined, body.token)).status).toBe(200);
    expect((await call('GET', `/agents/${frontend}`)).body.agent.registered).toBe(true);
  });
});
