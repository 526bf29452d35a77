import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, key, type RunningBus, startBus, v1 } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Oldest first, without where and when. */
async function auditOf({ call }: RunningBus, query = '') {
  const { body } = await call('GET', `/audit${query}`);
  return body.items.reverse().map(({ id: _id, at: _at, address, workspace_id, ...entry }: Record<string, unknown>) => {
    expect(address).toBe('127.0.0.1');
    expect(workspace_id).toBe(entry.actor === 'anonymous' ? undefined : 'default');
    return entry;
  });
}

describe('the audit log', () => {
  it('says who registered and deleted agents, and created, changed and ended sessions', async () => {
    const bus = await startBus();
    const token = await bus.register(backend);
    const descriptor = { agent_descriptor: { agent_id: backend, capabilities: [] } };
    await bus.call('POST', '/agents/register', descriptor, token);
    await bus.call('POST', '/sessions', { session_id: 's1', orchestrator: backend }, token);
    const { body } = await bus.call('POST', '/sessions', { orchestrator: backend });
    await bus.call('POST', '/sessions', { session_id: 's1', orchestrator: backend });
    await bus.call('POST', '/sessions/s1/participants', { agent_id: frontend });
    await bus.call('DELETE', `/sessions/s1/participants/${frontend}`);
    await bus.call('POST', '/sessions/s1/complete', {});
    await bus.call('POST', `/sessions/${body.session_id}/terminate`, { reason: 'enough' });
    await bus.call('POST', '/sessions', { session_id: 's2' });
    await bus.call('DELETE', '/sessions/s2');
    await bus.call('DELETE', `/agents/${backend}`, undefined, token);
    const done = await auditOf(bus);
    expect(done.map(({ action, actor }: Record<string, unknown>) => [action, actor])).toEqual([
      ['agent_registered', 'bus-key'],
      ['agent_updated', backend],
      ['session_created', backend],
      ['session_created', 'bus-key'],
      ['participant_added', 'bus-key'],
      ['participant_removed', 'bus-key'],
      ['session_completed', 'bus-key'],
      ['session_terminated', 'bus-key'],
      ['session_created', 'bus-key'],
      ['session_deleted', 'bus-key'],
      ['agent_deleted', backend],
    ]);
    expect(done[0]).toMatchObject({ agent_id: backend, route: 'POST /agents/register' });
    expect(done[2]).toMatchObject({ session_id: 's1' });
    expect(done[3]).toMatchObject({ session_id: body.session_id });
    expect(done[5]).toMatchObject({ session_id: 's1', agent_id: frontend });
    expect(await auditOf(bus, `?actor=${backend}&action=agent_deleted`)).toEqual([done[10]]);
    expect(done[9]).toMatchObject({ session_id: 's2' });
  });

  it('says who created, cleared and deleted which chat, also where it was the active one', async () => {
    const bus = await startBus();
    await bus.call('POST', '/sessions', { session_id: 's1' });
    const { body } = await bus.call('POST', '/sessions/s1/chats', { agent_id: backend });
    const { chat_id } = body.chat;
    await bus.call('POST', '/sessions/s1/chats', { chat_id, agent_id: backend });
    await bus.call('DELETE', '/sessions/s1/chats/active/history');
    await bus.call('DELETE', '/sessions/s1/chats/active');
    const [, ...done] = await auditOf(bus);
    const route = '/sessions/:session_id/chats';
    const of = { session_id: 's1', chat_id, actor: 'bus-key' };
    expect(done).toEqual([
      { ...of, agent_id: backend, action: 'chat_created', route: `POST ${route}` },
      { ...of, action: 'chat_history_cleared', route: `DELETE ${route}/:chat_id/history` },
      { ...of, action: 'chat_deleted', route: `DELETE ${route}/:chat_id` },
    ]);
  });

  it('says once which agents there are since they have connected', async () => {
    const bus = await startBus();
    await bus.connect(backend);
    await bus.connect(backend);
    await bus.register(frontend);
    await bus.connect(frontend);
    expect(await auditOf(bus)).toEqual([
      { action: 'agent_registered', actor: 'bus-key', agent_id: backend, route: 'socket' },
      { action: 'agent_registered', actor: 'bus-key', agent_id: frontend, route: 'POST /agents/register' },
    ]);
  });

  it('says what was done for a client that did not wait for the answer', async () => {
    // On disk a change takes longer than the reset.
    const bus = await startBus({ persistenceEnabled: true, dataDir: temporaryFolder() });
    const made = await Promise.all(Array.from({ length: 10 }, () => bus.call('POST', '/keys', { scopes: ['send'] })));
    const ids: string[] = made.map(({ body }) => body.key.key_id);
    for (const id of ids) {
      const socket = connect(bus.port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      const head = `DELETE /keys/${id} HTTP/1.1\r\nhost: localhost\r\nx-agent-api-key: ${key}\r\n\r\n`;
      socket.write(head, () => socket.resetAndDestroy());
    }
    const isOver = { timeout: 20_000 };
    await expect.poll(async () => (await bus.call('GET', '/keys')).body.items, isOver).toEqual([]);
    const revoked = async () => {
      const { body } = await bus.call('GET', '/audit?action=key_revoked');
      return body.items.map(({ key_id }: { key_id: string }) => key_id).sort();
    };
    await expect.poll(revoked, isOver).toEqual(ids.sort());
  });

  it('has the creation of a session in its workspace, also where another has one of its id', async () => {
    const bus = await startBus();
    await bus.call('POST', '/sessions', { session_id: 's1' });
    await bus.call('POST', '/sessions', { session_id: 's1', workspace_id: 'team-a' });
    const { body } = await bus.call('GET', '/audit');
    expect(body.items).toMatchObject([
      { action: 'session_created', session_id: 's1', workspace_id: 'team-a' },
      { action: 'session_created', session_id: 's1', workspace_id: 'default' },
    ]);
  });

  it('says who was refused what, at every door', async () => {
    const bus = await startBus();
    const token = await bus.register(backend);
    await bus.register(frontend);
    const forged = (id: string) => envelope(id, frontend, backend);
    await bus.call('GET', '/agents', undefined, 'wrong');
    await bus.call('GET', '/dead-letters', undefined, token);
    await bus.call('POST', '/messages/batch', { messages: [forged('m1')] }, token);
    const client = await bus.connect(backend, { key: token });
    client.send(forged('m2'));
    await client.type('rejected');
    await expect(bus.connect(frontend, { key: token })).rejects.toThrow('403');
    await expect(bus.connect(backend, { headers: { 'x-agent-api-key': key, origin: 'null' } })).rejects.toThrow('403');
    // In the fast lane.
    const socket = connect(bus.port, '127.0.0.1');
    const body = JSON.stringify(forged('m3'));
    const head = ['host: localhost', `x-agent-api-key: ${token}`, 'content-type: application/json'];
    socket.write(
      `POST /messages/send HTTP/1.1\r\n${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, 'data');
    socket.destroy();
    const refused = await auditOf(bus, '?action=refused');
    expect(refused.map(({ actor, code, route }: Record<string, unknown>) => [actor, code, route])).toEqual([
      ['anonymous', 'UNAUTHORIZED', 'GET /agents'],
      [backend, 'FORBIDDEN', 'GET /dead-letters'],
      [backend, 'SENDER_FORBIDDEN', 'POST /messages/batch'],
      [backend, 'SENDER_FORBIDDEN', 'socket'],
      [backend, 'FORBIDDEN', 'GET /'],
      ['anonymous', 'ORIGIN_NOT_ALLOWED', 'GET /'],
      [backend, 'SENDER_FORBIDDEN', 'POST /messages/send'],
    ]);
  });

  it('has nothing to say of mail that flows, nor of mistakes', async () => {
    const bus = await startBus();
    await bus.register(backend);
    for (let count = 0; count < 20; count++) await bus.send(envelope(`m${count}`, backend, backend));
    await bus.send({});
    await bus.call('GET', '/nothing');
    const client = await bus.connect(backend, { protocols: [v1] });
    await client.envelope();
    expect(await auditOf(bus)).toHaveLength(1);
  });

  it('tells of a session that was deleted in the workspace that it was in', async () => {
    const bus = await startBus();
    bus.bus.sessionManager.createSession({ sessionId: 's1', workspaceId: 'team-a' });
    await bus.call('DELETE', '/sessions/s1');
    const { body } = await bus.call('GET', '/audit?workspace_id=team-a');
    expect(body.items).toMatchObject([{ action: 'session_deleted', session_id: 's1', workspace_id: 'team-a' }]);
  });

  it('tells of sessions that the bus has ended', async () => {
    const bus = await startBus({ sessionTimeout: 50 });
    const sessionId = bus.bus.sessionManager.createSession({});
    await expect
      .poll(async () => (await bus.call('GET', '/audit')).body.items)
      .toMatchObject([{ action: 'session_terminated', actor: 'bus', session_id: sessionId }]);
  });

  it('tells of keys by their ids, in the workspace that they are for', async () => {
    const bus = await startBus();
    const made = await bus.call('POST', '/keys', { workspace_id: 'team-a', scopes: ['admin'] });
    const { key_id } = made.body.key;
    await bus.call('POST', `/keys/${key_id}/rotate`, {}, made.body.secret);
    const own = (await bus.call('GET', '/audit', undefined, made.body.secret)).body.items;
    expect(own).toMatchObject([
      { action: 'key_rotated', actor: `key:${key_id}`, workspace_id: 'team-a', key_id },
      { action: 'key_created', actor: 'bus-key', workspace_id: 'team-a', key_id },
    ]);
    expect(JSON.stringify(own)).not.toContain(made.body.secret);
    await bus.register(backend);
    await bus.call('DELETE', `/keys/${key_id}`);
    await bus.call('POST', `/agents/${backend}/token`);
    const [replaced, revoked] = (await bus.call('GET', '/audit')).body.items;
    expect(revoked).toMatchObject({ action: 'key_revoked', actor: 'bus-key', key_id });
    expect(replaced).toMatchObject({ action: 'token_replaced', agent_id: backend });
  });

  it('is shown to whoever may administer a workspace, as far as it is about that', async () => {
    const bus = await startBus();
    const token = await bus.register(backend);
    expect((await bus.call('GET', '/audit', undefined, token)).body.code).toBe('FORBIDDEN');
    expect((await bus.call('GET', '/audit?action=gossip')).body.code).toBe('VALIDATION_FAILED');
    const { body } = await bus.call('POST', '/keys', { workspace_id: 'team-a', scopes: ['admin'] });
    const asTeam = (query: string) => bus.call('GET', `/audit${query}`, undefined, body.secret);
    expect((await asTeam('?workspace_id=default')).body.code).toBe('WORKSPACE_FORBIDDEN');
    expect((await asTeam('?actor=bus-key')).body.items).toMatchObject([{ action: 'key_created' }]);
    expect((await bus.call('GET', '/audit?workspace_id=default')).body.items).toMatchObject([
      { action: 'refused', actor: backend, workspace_id: 'default' },
      { action: 'agent_registered', workspace_id: 'default' },
    ]);
    expect((await bus.call('GET', '/audit')).body.items).toHaveLength(4);
  });
});
