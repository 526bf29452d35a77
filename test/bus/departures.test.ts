// Who leaves a session: what is queued for it there, and what it had asked of others.
import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, orchestrator, startBus, waiting } from '../support/running-bus.ts';
import type { Frame } from '../support/socket-client.ts';

const said = (id: string, from: string, to: string, session_id: string | undefined, more: object = {}) =>
  envelope(id, from, to, {
    message_type: 'status_update',
    sender: { agent_id: from, ...(session_id !== undefined && { session_id }) },
    ...more,
  });

async function start() {
  const bus = await startBus();
  for (const sessionId of ['s1', 's2']) {
    bus.bus.sessionManager.createSession({
      sessionId,
      orchestrator,
      participants: [{ agent_id: backend }, { agent_id: frontend }],
    });
  }
  const withdrawn = async () => {
    const { body } = await bus.call('GET', '/sessions/s1/events');
    return body.items.flatMap(({ type, data }: Frame) => (type === 'messages_withdrawn' ? [data] : []));
  };
  return { bus, withdrawn, leave: () => bus.call('DELETE', `/sessions/s1/participants/${backend}`) };
}

describe('an agent that leaves a session', () => {
  it('gets no more of what lies in its mailbox for it, and whoever sent that is told', async () => {
    const { bus, withdrawn, leave } = await start();
    const lead = await bus.connect(orchestrator);
    await bus.send(said('m1', orchestrator, backend, 's1'));
    await bus.send(said('m2', orchestrator, backend, 's2'));
    await bus.send(said('m3', orchestrator, backend, undefined));
    await bus.send(said('m4', orchestrator, frontend, 's1'));
    await leave();
    expect((await bus.untilStatus('m1', 'dead')).reason).toBe('participant left');
    expect((await lead.envelope()).payload).toMatchObject({
      code: 'DELIVERY_FAILED',
      message_id: 'm1',
      reason: 'participant left',
    });
    await expect.poll(withdrawn, waiting).toEqual([{ agent_id: backend, message_ids: ['m1'] }]);
    const agent = await bus.connect(backend);
    expect(await agent.envelopes(2)).toEqual(['m2', 'm3']);
    expect((await bus.ledger('m4')).status).toBe('queued');
  });

  it('gets none either of what it has not acked, and of a broadcast no copy', async () => {
    const { bus, withdrawn, leave } = await start();
    await bus.send(said('m1', orchestrator, backend, 's1'));
    await bus.call('GET', `/agents/${backend}/messages`);
    const { body } = await bus.send(said('b1', orchestrator, backend, 's1', { recipient: { session_id: 's1' } }));
    const copies = body.recipients.filter(({ agent_id }: Frame) => agent_id === backend);
    const message_ids = ['m1', ...copies.map(({ message_id }: Frame) => message_id)];
    await leave();
    await expect.poll(withdrawn, waiting).toEqual([{ agent_id: backend, message_ids }]);
    for (const id of message_ids) await bus.untilStatus(id, 'dead');
  });

  it('is sent what comes later, and what comes after its return', async () => {
    const { bus, withdrawn, leave } = await start();
    await bus.send(said('m1', orchestrator, backend, 's1'));
    await leave();
    await bus.call('POST', '/sessions/s1/participants', { agent_id: backend });
    await bus.send(said('m2', orchestrator, backend, 's1'));
    await expect.poll(withdrawn, waiting).toHaveLength(1);
    const agent = await bus.connect(backend);
    await agent.envelope('m2');
  });

  it('has what it asked of others done all the same: that is work of the session', async () => {
    const { bus, leave } = await start();
    const asked = { message_type: 'task_request', metadata: { task_id: 't1' } };
    await bus.send(said('m1', backend, frontend, 's1', asked));
    await leave();
    const agent = await bus.connect(frontend);
    await agent.envelope('m1');
    const answer = { message_type: 'task_response', metadata: { in_reply_to: 'm1' } };
    agent.send(said('r1', frontend, backend, 's1', answer));
    await agent.receipt('r1');
    expect(bus.bus.sessionManager.getTaskDelegation('t1', 's1')?.status).toBe('completed');
  });
});
