import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';

const create = (bus: RunningBus, sessionId: string) =>
  bus.bus.sessionManager.createSession({
    sessionId,
    orchestrator,
    participants: [
      { agent_id: backend, role: 'dev' },
      { agent_id: frontend, role: 'dev' },
    ],
  });

const inSession = (session_id: string, task_id: string) => ({
  sender: { agent_id: orchestrator, session_id },
  metadata: { task_id },
});

describe('a task that is cancelled', () => {
  it('takes the message with it that nobody has got', async () => {
    const bus = await startBus();
    create(bus, 's1');
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await bus.send(envelope('m2', orchestrator, backend));
    await bus.call('POST', '/sessions/s1/terminate', { reason: 'stopped' });
    expect((await bus.untilStatus('m1', 'dead')).reason).toBe('task cancelled');
    const agent = await bus.connect(backend);
    expect((await agent.envelope()).message_id).toBe('m2');
    await agent.roundTrip();
    expect(agent.unread).toEqual([]);
  });

  it('is told to the agent that has the message', async () => {
    const bus = await startBus();
    create(bus, 's1');
    const agent = await bus.connect(backend);
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await agent.envelope('m1');
    await bus.call('DELETE', `/sessions/s1/participants/${backend}`);
    expect(await agent.envelope()).toMatchObject({
      sender: { agent_id: 'bus://agent-bus' },
      message_type: 'status_update',
      payload: { code: 'TASK_CANCELLED', task_id: 't1', session_id: 's1' },
      metadata: { in_reply_to: 'm1' },
    });
    agent.ack('m1');
    expect((await agent.type('rejected')).code).toBe('MESSAGE_SETTLED');
  });

  it('leaves the task of the same name in another session alone', async () => {
    const bus = await startBus();
    for (const id of ['s1', 's2']) create(bus, id);
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await bus.send(envelope('m2', orchestrator, frontend, inSession('s2', 't1')));
    await bus.call('POST', '/sessions/s2/terminate', { reason: 'stopped' });
    await bus.untilStatus('m2', 'dead');
    expect((await bus.ledger('m1')).status).toBe('queued');
  });
});

describe('a session that is deleted', () => {
  it('takes the mail of its tasks along, and tells the agents that have some', async () => {
    const bus = await startBus();
    create(bus, 's1');
    const agent = await bus.connect(backend);
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await bus.send(envelope('m2', orchestrator, frontend, inSession('s1', 't2')));
    await agent.envelope('m1');
    bus.bus.sessionManager.deleteSession('s1');
    expect((await agent.envelope()).payload).toEqual({ code: 'TASK_CANCELLED', task_id: 't1', session_id: 's1' });
    for (const id of ['m1', 'm2']) expect((await bus.untilStatus(id, 'dead')).reason).toBe('task cancelled');
    expect(bus.session('s1')).toBeUndefined();
  });

  it('does so as well where a listener deletes it', async () => {
    const bus = await startBus();
    create(bus, 's1');
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    const { sessionManager: sessions } = bus.bus;
    sessions.on('context_updated', () => sessions.deleteSession('s1'));
    sessions.updateSharedContext('s1', {});
    await bus.untilStatus('m1', 'dead');
  });
});

describe('a task that is ended by hand', () => {
  const start = async () => {
    const bus = await startBus();
    create(bus, 's1');
    const agent = await bus.connect(backend);
    return { bus, agent, sessions: bus.bus.sessionManager };
  };

  it.each(['completed', 'failed'] as const)('as %s settles the message that its agent has', async (status) => {
    const { bus, agent, sessions } = await start();
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await agent.envelope('m1');
    sessions.updateTaskStatus('s1', 't1', status, { agentId: backend, result: 1 });
    await bus.untilStatus('m1', 'acknowledged');
    await agent.roundTrip();
    expect(agent.unread).toEqual([]);
    expect(sessions.getTaskDelegation('t1', 's1')).toMatchObject({ status, result: 1 });
  });

  it.each(['completed', 'failed'] as const)('as %s takes the message with it that nobody has got', async (status) => {
    const bus = await startBus();
    create(bus, 's1');
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    bus.bus.sessionManager.updateTaskStatus('s1', 't1', status);
    expect((await bus.untilStatus('m1', 'dead')).reason).toBe(`task ${status}`);
    const agent = await bus.connect(backend);
    await agent.roundTrip();
    expect(agent.unread).toEqual([]);
  });

  it('stays as it is: what its agent says afterwards is late', async () => {
    const { bus, agent, sessions } = await start();
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await agent.envelope('m1');
    sessions.updateTaskStatus('s1', 't1', 'failed', { agentId: backend, error: 'no' });
    const sender = { agent_id: backend, session_id: 's1' };
    const late = { message_type: 'task_response', sender, metadata: { in_reply_to: 'm1' } };
    agent.send(envelope('r1', backend, orchestrator, late));
    await agent.receipt('r1');
    expect(sessions.getTaskDelegation('t1', 's1')).toMatchObject({
      status: 'failed',
      error: 'no',
      late: [{ message_id: 'r1' }],
    });
  });

  it('leaves the message alone while it is only worked on', async () => {
    const { bus, agent, sessions } = await start();
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await agent.envelope('m1');
    sessions.updateTaskStatus('s1', 't1', 'in_progress', { agentId: backend });
    await agent.roundTrip();
    expect(await bus.ledger('m1')).toMatchObject({ status: 'offered' });
  });
});

describe('a task whose message dies', () => {
  it('fails, or is timed out where the message expired, and its sender is told', async () => {
    const bus = await startBus();
    create(bus, 's1');
    const lead = await bus.connect(orchestrator);
    const agent = await bus.connect(backend);
    await bus.send(envelope('m1', orchestrator, backend, inSession('s1', 't1')));
    await agent.envelope('m1');
    agent.send({ type: 'nack', message_id: 'm1', requeue: false, reason: 'no' });
    expect((await lead.envelope()).payload).toMatchObject({ code: 'DELIVERY_FAILED', message_id: 'm1' });
    const expiring = { ...inSession('s1', 't2'), routing: { timeout: '60ms' } };
    await bus.send(envelope('m2', orchestrator, frontend, expiring));
    expect((await lead.envelope()).payload).toMatchObject({
      code: 'DELIVERY_FAILED',
      message_id: 'm2',
      reason: 'expired',
    });
    const task = (id: string) => bus.bus.sessionManager.getTaskDelegation(id, 's1');
    expect(task('t1')).toMatchObject({ status: 'failed', error: { code: 'DELIVERY_FAILED', reason: 'given up: no' } });
    expect(task('t2')?.status).toBe('timeout');
  });
});
