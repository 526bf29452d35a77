import { describe, expect, it } from 'vitest';
import type { CreateSession } from '../../src/protocol/types.gen.ts';
import { validatorOf } from '../../src/schema/registry.ts';
import { backend, envelope, frontend, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';
import type { Frame } from '../support/socket-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const qa = 'claude-code://qa';
const sessionId = 'sess_1';

async function createSession(bus: RunningBus, more: Partial<CreateSession> = {}): Promise<void> {
  const { status } = await bus.call('POST', '/sessions', {
    session_id: sessionId,
    orchestrator,
    participants: [
      { agent_id: backend, role: 'developer' },
      { agent_id: frontend, role: 'developer' },
      { agent_id: qa, role: 'reviewer' },
    ],
    ...more,
  });
  expect(status).toBe(201);
}

const toAll = (id: string, more: object = {}, recipient: object = { session_id: sessionId }) =>
  envelope(id, orchestrator, '', { message_type: 'status_update', recipient, ...more });

const agentsOf = (receipt: Frame): string[] => receipt.recipients.map((one: Frame) => one.agent_id);
const copyOf = (receipt: Frame, agent: string): string =>
  receipt.recipients.find((one: Frame) => one.agent_id === agent)?.message_id;

function dataFolder(): string {
  const folder = temporaryFolder();
  return folder;
}

describe('an envelope to a session', () => {
  it('is a message of its own to every other active participant', async () => {
    const bus = await startBus();
    await createSession(bus);
    const [dev, reviewer] = [await bus.connect(backend), await bus.connect(qa)];
    const { status, body } = await bus.send(toAll('b1', { metadata: { a: 1 } }));
    expect(status).toBe(202);
    const receipt = validatorOf('BroadcastReceipt');
    expect(receipt(body), JSON.stringify(receipt.errors)).toBe(true);
    expect(body).toMatchObject({ success: true, message_id: 'b1', status: 'queued' });
    expect(agentsOf(body)).toEqual([backend, frontend, qa]);
    expect(body.recipients.map((one: Frame) => [one.status, one.online])).toEqual([
      ['offered', true],
      ['queued', false],
      ['offered', true],
    ]);
    const got = await dev.envelope();
    expect(got).toMatchObject({
      message_id: copyOf(body, backend),
      sender: { agent_id: orchestrator, session_id: sessionId },
      recipient: { agent_id: backend, framework: 'opencode' },
      metadata: {
        a: 1,
        broadcast_id: 'b1',
        bus: {
          addressed_to: { session_id: sessionId },
          routed_by: `broadcast: every other participant of ${sessionId}`,
        },
      },
    });
    expect((await reviewer.envelope()).message_id).toBe(copyOf(body, qa));
    dev.ack(got.message_id);
    await bus.untilStatus(got.message_id, 'acknowledged');
    const { message } = (await bus.call('GET', '/messages/b1')).body;
    const reply = validatorOf('LedgerBroadcast');
    expect(reply(message), JSON.stringify(reply.errors)).toBe(true);
    expect(message.status).toBe('queued');
    expect(message.copies.map((one: Frame) => [one.agent_id, one.status])).toEqual([
      [backend, 'acknowledged'],
      [frontend, 'queued'],
      [qa, 'offered'],
    ]);
    expect(message.envelope).toMatchObject({ message_id: 'b1', recipient: { session_id: sessionId } });
    expect((await bus.agent(orchestrator)).queued).toBe(0);
    const listed = (await bus.call('GET', `/sessions/${sessionId}/messages`)).body.items;
    expect(listed.map((one: Frame) => one.recipient_agent_id)).toEqual([backend, frontend, qa]);
  });

  it('goes to those with a role or framework, and to nobody who has left', async () => {
    const bus = await startBus();
    await createSession(bus);
    const developers = { session_id: sessionId, role: 'developer' };
    const { body } = await bus.send(toAll('b1', {}, developers));
    expect(agentsOf(body)).toEqual([backend, frontend]);
    expect((await bus.ledger(copyOf(body, backend))).routed_by).toContain('the role developer');
    expect(agentsOf((await bus.send(toAll('b2', {}, { ...developers, framework: 'codex' }))).body)).toEqual([frontend]);
    await bus.call('DELETE', `/sessions/${sessionId}/participants/${backend}`);
    expect(agentsOf((await bus.send(toAll('b3', {}, developers))).body)).toEqual([frontend]);
    const from = { sender: { agent_id: frontend, session_id: sessionId } };
    expect(agentsOf((await bus.send(toAll('b4', from))).body)).toEqual([orchestrator, qa]);
    const nobody = await bus.send(toAll('b5', {}, { session_id: sessionId, role: 'pilot' }));
    expect(nobody).toMatchObject({ status: 404, body: { code: 'AGENT_NOT_FOUND' } });
    expect(nobody.body.error).toContain(`every other participant of ${sessionId} with the role pilot`);
  });

  it('works over sockets of both dialects and in a batch', async () => {
    const bus = await startBus();
    await createSession(bus);
    const [lead, plain] = [await bus.connect(orchestrator), await bus.connectPlain(qa)];
    lead.send(toAll('b1'));
    expect(agentsOf(await lead.receipt('b1'))).toEqual([backend, frontend, qa]);
    expect((await plain.envelope()).metadata.broadcast_id).toBe('b1');
    plain.send({ ...toAll('b2'), sender: { agent_id: qa } });
    expect((await lead.envelope()).metadata.broadcast_id).toBe('b2');
    plain.send({ ...toAll('b3', {}, { session_id: 'sess_2' }), sender: { agent_id: qa } });
    expect((await plain.envelope()).payload.code).toBe('SESSION_NOT_FOUND');
    const { items } = (await bus.call('POST', '/messages/batch', { messages: [toAll('b4'), toAll('b4')] })).body;
    expect(items.map((one: Frame) => [agentsOf(one).length, one.duplicate])).toEqual([
      [3, undefined],
      [3, true],
    ]);
    expect(copyOf(items[0], qa)).toBe(copyOf(items[1], qa));
  });

  it('is refused as a whole where it may not be said', async () => {
    const bus = await startBus({ maxMailboxMessages: 1 });
    await createSession(bus, { workflow: [{ name: 'build', required_agents: [backend] }] });
    await bus.call('POST', '/sessions', { session_id: 'sess_2', orchestrator });
    await bus.register('custom://stranger');
    const at = (path: string) => ({ code: 'VALIDATION_FAILED', errors: [expect.objectContaining({ path })] });
    const request = { message_type: 'task_request' };
    const refusals: [object, object][] = [
      [toAll('b1', { routing: { delivery_mode: 'sync' } }), at('/routing/delivery_mode')],
      [toAll('b1', { routing: { fallback_agents: [qa] } }), at('/routing/fallback_agents')],
      [toAll('b1', { sender: { agent_id: orchestrator, session_id: 'sess_2' } }), at('/sender/session_id')],
      [toAll('b1', { message_type: 'heartbeat' }), at('/message_type')],
      [toAll('b1', { ...request, metadata: { task_id: 't1' } }), at('/metadata/task_id')],
      [toAll('b1', {}, { agent_id: qa, session_id: sessionId }), { code: 'VALIDATION_FAILED' }],
      [toAll('b1', {}, { agent_id: qa, role: 'developer' }), { code: 'VALIDATION_FAILED' }],
      [toAll('b1', { sender: { agent_id: 'custom://stranger' } }), { code: 'NOT_A_PARTICIPANT' }],
      [toAll('b1', {}, { session_id: 'sess_3' }), { code: 'SESSION_NOT_FOUND' }],
      [toAll('b1', {}, { session_id: 'sess_2' }), { code: 'AGENT_NOT_FOUND' }],
      [toAll('b1', { ...request, metadata: { step: 'fly' } }), { code: 'UNKNOWN_STEP' }],
    ];
    for (const [sent, refusal] of refusals) expect((await bus.send(sent)).body).toMatchObject(refusal);
    await bus.send(envelope('m1', orchestrator, frontend));
    const full = await bus.send(toAll('b1', request));
    expect(full).toMatchObject({ status: 429, body: { code: 'MAILBOX_FULL' } });
    expect(full.body.error).toContain(frontend);
    for (const id of [backend, qa]) expect((await bus.agent(id)).queued).toBe(0);
    expect(bus.bus.sessionManager.listTasks(sessionId).items).toEqual([]);
    expect(await bus.ledger('b1')).toBeUndefined();
    await bus.call('POST', `/sessions/${sessionId}/complete`, {});
    expect((await bus.send(toAll('b1'))).body.code).toBe('SESSION_ENDED');
  });

  it('is known to its sender and its recipients only', async () => {
    const bus = await startBus();
    const tokens = Object.fromEntries(
      await Promise.all([orchestrator, backend, 'custom://other'].map(async (id) => [id, await bus.register(id)])),
    );
    await createSession(bus);
    await bus.send(toAll('b1'));
    for (const [agent, status] of [
      [orchestrator, 200],
      [backend, 200],
      ['custom://other', 404],
    ] as const) {
      expect((await bus.call('GET', '/messages/b1', undefined, tokens[agent])).status, agent).toBe(status);
    }
  });
});

describe('a repeated broadcast', () => {
  it('gets its first receipt whoever came or went meanwhile, and nobody gets it twice', async () => {
    const bus = await startBus();
    await createSession(bus);
    const { body: first } = await bus.send(toAll('b1'));
    await bus.call('DELETE', `/sessions/${sessionId}/participants/${qa}`);
    await bus.call('POST', `/sessions/${sessionId}/participants`, { agent_id: 'custom://new' });
    const again = await bus.send(toAll('b1'));
    expect(again).toMatchObject({ status: 202, body: { message_id: 'b1', duplicate: true } });
    expect(again.body.recipients.map((one: Frame) => [one.agent_id, one.message_id])).toEqual(
      first.recipients.map((one: Frame) => [one.agent_id, one.message_id]),
    );
    expect((await bus.agent(backend)).queued).toBe(1);
    for (const other of [
      toAll('b1', { payload: 2 }),
      toAll('b1', {}, { session_id: sessionId, role: 'developer' }),
      envelope('b1', orchestrator, backend, { message_type: 'status_update' }),
    ]) {
      expect((await bus.send(other)).body.code).toBe('MESSAGE_ID_CONFLICT');
    }
    await bus.send(envelope('m1', orchestrator, backend, { message_type: 'status_update' }));
    expect((await bus.send(toAll('m1'))).body.code).toBe('MESSAGE_ID_CONFLICT');
  });

  it('sent many times at once is one', async () => {
    const bus = await startBus();
    await createSession(bus);
    const replies = await Promise.all(Array.from({ length: 5 }, () => bus.send(toAll('b1'))));
    expect(replies.filter(({ body }) => body.duplicate)).toHaveLength(4);
    expect(new Set(replies.map(({ body }) => copyOf(body, qa))).size).toBe(1);
    expect((await bus.agent(qa)).queued).toBe(1);
  });

  it('is known after a restart, with its tasks', async () => {
    const dataDir = dataFolder();
    const before = await startBus({ persistenceEnabled: true, dataDir });
    await createSession(before);
    const sent = toAll('b1', { message_type: 'task_request' });
    const { body: first } = await before.send(sent);
    await before.bus.stop();
    const bus = await startBus({ persistenceEnabled: true, dataDir });
    const { body } = await bus.send(sent);
    expect(body.duplicate).toBe(true);
    expect(body.recipients.map((one: Frame) => [one.message_id, one.task])).toEqual(
      first.recipients.map((one: Frame) => [one.message_id, one.task]),
    );
    expect((await bus.agent(qa)).queued).toBe(1);
  });
});

describe('the copies of a broadcast request', () => {
  it('are tasks of their own, in the steps of their agents', async () => {
    const bus = await startBus();
    await createSession(bus, { workflow: [{ name: 'build', required_agents: [backend, frontend] }] });
    const dev = await bus.connect(backend);
    const { body } = await bus.send(toAll('b1', { message_type: 'task_request' }));
    expect(body.recipients.map((one: Frame) => one.task.step)).toEqual(['build', 'build', null]);
    expect(new Set(body.recipients.map((one: Frame) => one.task.task_id)).size).toBe(3);
    const { message_id } = await dev.envelope();
    const answer = { message_type: 'task_response', metadata: { in_reply_to: message_id } };
    dev.send(
      envelope('r1', backend, orchestrator, { ...answer, sender: { agent_id: backend, session_id: sessionId } }),
    );
    await dev.receipt('r1');
    const statuses = () => bus.bus.sessionManager.listTasks(sessionId).items.map((task) => task.status);
    expect(statuses()).toEqual(['completed', 'pending', 'pending']);
    await bus.untilStatus(message_id, 'acknowledged');
  });

  it('die one by one, and their sender is told of which broadcast', async () => {
    const bus = await startBus();
    await createSession(bus);
    const [lead, dev] = [await bus.connect(orchestrator), await bus.connect(backend)];
    const { body } = await bus.send(toAll('b1', { message_type: 'task_request' }));
    const { message_id } = await dev.envelope();
    dev.send({ type: 'nack', message_id, requeue: false, reason: 'no' });
    expect((await lead.envelope()).payload).toMatchObject({ message_id, broadcast_id: 'b1', recipient: backend });
    expect(bus.bus.sessionManager.listTasks(sessionId).items.map((task) => task.status)).toEqual([
      'failed',
      'pending',
      'pending',
    ]);
    expect((await bus.ledger('b1')).copies[0]).toMatchObject({ message_id: copyOf(body, backend), status: 'dead' });
  });
});

describe('an answer to all', () => {
  it('is the answer for the one who asked, and news for the others', async () => {
    const bus = await startBus();
    await createSession(bus);
    const session = { sender: { agent_id: orchestrator, session_id: sessionId } };
    await bus.send(envelope('q1', orchestrator, backend, session));
    const dev = await bus.connect(backend);
    await dev.envelope('q1');
    const more = { message_type: 'task_response', sender: { agent_id: backend }, metadata: { in_reply_to: 'q1' } };
    await bus.send(toAll('b1', more));
    const [task] = bus.bus.sessionManager.listTasks(sessionId).items;
    expect(task).toMatchObject({ status: 'completed', result: { say: 'b1' } });
    expect(task?.late).toBeUndefined();
    await bus.untilStatus('q1', 'acknowledged');
  });

  it('is what a sync sender waits for', async () => {
    const bus = await startBus();
    await createSession(bus);
    const dev = await bus.connect(backend);
    const session = { sender: { agent_id: orchestrator, session_id: sessionId } };
    const asking = bus.send(envelope('q1', orchestrator, backend, { ...session, routing: { delivery_mode: 'sync' } }));
    await dev.envelope('q1');
    dev.send(
      toAll('b1', { message_type: 'task_response', sender: { agent_id: backend }, metadata: { in_reply_to: 'q1' } }),
    );
    expect((await asking).body.reply).toMatchObject({ metadata: { in_reply_to: 'q1', broadcast_id: 'b1' } });
    expect((await bus.agent(orchestrator)).queued).toBe(0);
    expect((await bus.agent(qa)).queued).toBe(1);
  });
});
