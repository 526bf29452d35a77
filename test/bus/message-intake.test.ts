import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, orchestrator, startBus } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a message id that comes again', () => {
  it('gets the first receipt, whatever was left out, also after the ack', async () => {
    const bus = await startBus();
    const agent = await bus.connectPlain(backend);
    const sent = envelope('m1', orchestrator, backend);
    const { body: first } = await bus.send(sent);
    await agent.envelope('m1');
    await bus.untilStatus('m1', 'acknowledged');
    const { status, body } = await bus.send(sent);
    expect(status).toBe(202);
    expect(body).toMatchObject({
      message_id: 'm1',
      status: first.status,
      duplicate: true,
      recipient: { agent_id: backend },
    });
    const { metadata, ...filled } = (await bus.ledger('m1')).envelope;
    expect(Object.keys(metadata)).toEqual(['bus']);
    expect((await bus.send(filled)).body.duplicate).toBe(true);
    await agent.close();
    expect(agent.unread).toEqual([]);
  });

  it('is the same over both doors and inside one turn', async () => {
    const bus = await startBus();
    await bus.register(backend);
    const sender = await bus.connect(orchestrator);
    for (let i = 0; i < 5; i++) sender.send(envelope('m1', orchestrator, backend));
    const receipts = [];
    while (receipts.length < 5) receipts.push(...(await sender.type('accepted')).receipts);
    expect(receipts.filter((one) => one.duplicate)).toHaveLength(4);
    expect((await bus.send(envelope('m1', orchestrator, backend))).body.duplicate).toBe(true);
    expect((await bus.agent(backend)).queued).toBe(1);
  });

  it('is refused with other content', async () => {
    const bus = await startBus();
    const sender = await bus.connect(orchestrator);
    await bus.register(backend);
    await bus.register(frontend);
    await bus.send(envelope('m1', orchestrator, backend));
    for (const more of [
      { payload: 1 },
      { priority: 'high' },
      { recipient: { agent_id: frontend } },
      { metadata: { a: 1 } },
    ]) {
      const changed = envelope('m1', orchestrator, backend, more);
      expect(await bus.send(changed)).toMatchObject({ status: 409, body: { code: 'MESSAGE_ID_CONFLICT' } });
      sender.send(changed);
      expect(await sender.next()).toMatchObject({ type: 'rejected', message_id: 'm1', code: 'MESSAGE_ID_CONFLICT' });
    }
  });

  it('gets the first receipt also after its session has ended or its recipient was removed', async () => {
    const bus = await startBus();
    await bus.register(frontend);
    const session_id = bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], []);
    const inSession = envelope('m1', orchestrator, backend, { sender: { agent_id: orchestrator, session_id } });
    const { body: first } = await bus.send(inSession);
    bus.bus.sessionManager.completeSession(session_id, { summary: 'done' });
    expect((await bus.send(inSession)).body).toMatchObject({ duplicate: true, task: first.task });
    await bus.send(envelope('m2', orchestrator, frontend));
    await bus.call('DELETE', `/agents/${frontend}`);
    expect((await bus.send(envelope('m2', orchestrator, frontend))).body).toMatchObject({ duplicate: true });
    expect((await bus.send(envelope('m3', orchestrator, frontend))).status).toBe(404);
  });

  it('gets its first receipt also when the mailbox is full', async () => {
    const bus = await startBus({ maxMailboxMessages: 1 });
    await bus.register(backend);
    const { body: first } = await bus.send(envelope('m1', orchestrator, backend));
    expect(await bus.send(envelope('m2', orchestrator, backend))).toMatchObject({ status: 429 });
    expect(await bus.send(envelope('m1', orchestrator, backend))).toMatchObject({
      status: 202,
      body: { message_id: first.message_id, duplicate: true },
    });
  });

  it('is known after a restart, and what was not acked is offered again', async () => {
    const dataDir = temporaryFolder();
    const before = await startBus({ persistenceEnabled: true, dataDir });
    const taker = await before.connect(backend);
    for (const id of ['m1', 'm2', 'm3']) await before.send(envelope(id, orchestrator, backend));
    await taker.envelopes(3);
    taker.ack('m2');
    await before.untilStatus('m2', 'acknowledged');
    await before.bus.stop();
    const after = await startBus({ persistenceEnabled: true, dataDir });
    const again = await after.connect(backend);
    expect(await again.envelopes(2)).toEqual(['m1', 'm3']);
    for (const id of ['m1', 'm2']) {
      expect((await after.send(envelope(id, orchestrator, backend))).body.duplicate).toBe(true);
    }
    expect((await after.ledger('m1')).attempts).toHaveLength(2);
  });
});

describe('every type of message', () => {
  it.each(['http', 'socket'])('is forwarded and tracked in its session (%s)', async (door) => {
    const bus = await startBus();
    const lead = await bus.connect(orchestrator);
    const agent = await bus.connect(backend);
    const sessionId = bus.bus.sessionManager.createSession(
      orchestrator,
      [{ agent_id: backend, role: 'dev' }],
      [
        { name: 'build', required_agents: [backend] },
        { name: 'review', required_agents: [orchestrator] },
      ],
    );
    const submit = async (id: string, from: string, to: string, message_type: string) => {
      const sent = envelope(id, from, to, { message_type, sender: { agent_id: from, session_id: sessionId } });
      if (door === 'http') return (await bus.send(sent)).body;
      const socket = from === orchestrator ? lead : agent;
      socket.send(sent);
      return socket.receipt(id);
    };
    const task = (status: string) =>
      expect(bus.bus.sessionManager.listTasks(sessionId).items.map((one) => one.status)).toEqual(status.split(' '));

    const { task: ref } = await submit('t1', orchestrator, backend, 'task_request');
    expect(ref).toMatchObject({ session_id: sessionId, step: 'build' });
    await agent.envelope('t1');
    task('pending');
    expect((await submit('s1', backend, orchestrator, 'status_update')).task.task_id).toBe(ref.task_id);
    await lead.envelope('s1');
    task('in_progress');
    await submit('t2', orchestrator, backend, 'task_request');
    await submit('r1', backend, orchestrator, 'task_response');
    await lead.envelope('r1');
    task('completed pending');
    await submit('e1', backend, orchestrator, 'error');
    await lead.envelope('e1');
    task('completed failed');
    expect(bus.session(sessionId)?.workflow.completed_steps).toEqual(['build']);
    const { body } = await bus.call('GET', `/sessions/${sessionId}/messages`);
    expect(body.items.map((one: { message_id: string }) => one.message_id)).toEqual(['t1', 's1', 't2', 'r1', 'e1']);
  });
});

describe('an envelope with a session', () => {
  it.each(['http', 'socket'])('needs one that is there, active, and has its sender (%s)', async (door) => {
    const bus = await startBus();
    const sessions = bus.bus.sessionManager;
    const open = sessions.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], []);
    const ended = sessions.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], []);
    sessions.terminateSession(ended, { reason: 'test' });
    const client = await bus.connect(orchestrator);
    await bus.register(backend);
    for (const [code, from, session_id] of [
      ['SESSION_NOT_FOUND', orchestrator, 'sess_unknown'],
      ['SESSION_ENDED', orchestrator, ended],
      ['NOT_A_PARTICIPANT', frontend, open],
      ['VALIDATION_FAILED', orchestrator, 'odd id'],
    ]) {
      const sent = envelope(`m-${code}`, from ?? '', backend, { sender: { agent_id: from, session_id } });
      if (door === 'socket') client.send(sent);
      const refused = door === 'http' ? (await bus.send(sent)).body : await client.type('rejected');
      expect(refused.code).toBe(code);
      expect(await bus.ledger(`m-${code}`)).toBeUndefined();
    }
  });
});
