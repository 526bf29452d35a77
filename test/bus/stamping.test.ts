import { describe, expect, it } from 'vitest';
import { backend, envelope, orchestrator, startBus } from '../support/running-bus.ts';

const reply = (id: string, from: string, to: string, in_reply_to: string) =>
  envelope(id, from, to, { message_type: 'task_response', metadata: { in_reply_to } });

describe('the stamp of a message', () => {
  it('says whose key it came with, its workspace, when it was taken in, and its place in the chain', async () => {
    const bus = await startBus();
    const token = await bus.register(orchestrator);
    const agent = await bus.connect(backend);
    await bus.send(envelope('m1', orchestrator, backend), token);
    await bus.send(envelope('m2', orchestrator, backend, { metadata: { in_reply_to: 'm1', own: 1 } }));
    const { accepted_at } = await bus.ledger('m1');
    expect((await agent.envelope('m1')).metadata).toEqual({
      bus: { sender: orchestrator, workspace_id: 'default', accepted_at, hop: 1 },
    });
    expect((await agent.envelope('m2')).metadata).toMatchObject({ own: 1, bus: { sender: 'bus', hop: 2 } });
  });

  it('is on what goes another way too: heartbeats, notices, copies, awaited answers', async () => {
    const bus = await startBus();
    const [lead, agent] = [await bus.connect(orchestrator), await bus.connect(backend)];
    lead.send(envelope('h1', orchestrator, backend, { message_type: 'heartbeat' }));
    expect((await agent.envelope('h1')).metadata.bus).toMatchObject({ sender: 'bus', hop: 1 });

    await bus.send(envelope('m1', orchestrator, backend));
    await agent.envelope('m1');
    agent.send({ type: 'nack', message_id: 'm1', requeue: false });
    const notice = await lead.envelope();
    expect(notice.metadata).toMatchObject({ in_reply_to: 'm1', bus: { sender: 'bus://agent-bus', hop: 2 } });

    const session_id = bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend }]);
    await bus.send(envelope('b1', orchestrator, '', { message_type: 'status_update', recipient: { session_id } }));
    const copy = await agent.next((frame) => frame.metadata?.broadcast_id === 'b1');
    expect(copy.metadata.bus).toMatchObject({ sender: 'bus', hop: 1, addressed_to: { session_id } });
    expect((await bus.ledger('b1')).envelope.metadata.bus).toMatchObject({ hop: 1 });

    const asking = bus.send(envelope('s1', orchestrator, backend, { routing: { delivery_mode: 'sync' } }));
    await agent.envelope('s1');
    agent.send(reply('a1', backend, orchestrator, 's1'));
    expect((await asking).body.reply.metadata.bus).toMatchObject({ sender: 'bus', hop: 2 });
  });

  it('is the same after a repeat, and does not make that another message', async () => {
    const bus = await startBus();
    await bus.register(backend);
    await bus.send(envelope('m1', orchestrator, backend));
    const { envelope: first } = await bus.ledger('m1');
    expect((await bus.send(envelope('m1', orchestrator, backend))).body.duplicate).toBe(true);
    expect((await bus.ledger('m1')).envelope).toEqual(first);
  });
});
