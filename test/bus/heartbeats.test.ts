import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, orchestrator, startBus, waiting } from '../support/running-bus.ts';

const busAgent = 'bus://agent-bus';
const beat = { message_type: 'heartbeat' };

describe('heartbeat envelopes', () => {
  it('to the bus refresh the presence of their sender and end there', async () => {
    const bus = await startBus();
    await bus.register(backend);
    expect((await bus.agent(backend)).last_seen_at).toBeNull();
    const { status, body } = await bus.send(envelope('h1', backend, busAgent, beat));
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'offered', recipient: { agent_id: busAgent, online: true } });
    expect((await bus.agent(backend)).last_seen_at).not.toBeNull();
    expect(await bus.ledger('h1')).toBeUndefined();
  });

  it('to an agent that is there are forwarded beside its mailbox, complete, and never stored', async () => {
    const bus = await startBus({ maxInFlight: 1 });
    const agent = await bus.connect(backend);
    const sender = await bus.connect(orchestrator);
    await bus.send(envelope('m1', orchestrator, backend));
    await agent.envelope('m1');
    sender.send(envelope('h1', orchestrator, backend, beat));
    expect(await sender.receipt('h1')).toMatchObject({
      status: 'offered',
      recipient: { agent_id: backend, online: true },
    });
    expect((await agent.envelope('h1')).priority).toBe('medium');
    expect(await bus.ledger('h1')).toBeUndefined();
    agent.ack('h1');
    expect((await agent.type('rejected')).code).toBe('MESSAGE_NOT_FOUND');
  });

  it('to an agent that is not there are dropped, and not delivered later', async () => {
    const bus = await startBus();
    await bus.register(backend);
    expect((await bus.send(envelope('h1', orchestrator, backend, beat))).body.status).toBe('dropped');
    const agent = await bus.connect(backend);
    await agent.roundTrip();
    expect(agent.unread).toEqual([]);
  });

  it('to an unknown agent are refused', async () => {
    const bus = await startBus();
    expect((await bus.send(envelope('h1', orchestrator, 'nobody://here', beat))).body.code).toBe('AGENT_NOT_FOUND');
  });

  it('keep an agent within the grace that fallbacks wait for', async () => {
    const bus = await startBus({ offlineGrace: 120 });
    await bus.connect(frontend);
    await bus.register(backend);
    const more = { routing: { fallback_agents: [frontend] } };
    let count = 0;
    const route = async () =>
      (await bus.send(envelope(`m${++count}`, orchestrator, backend, more))).body.recipient.agent_id;
    expect(await route()).toBe(frontend);
    await bus.send(envelope('h1', backend, busAgent, beat));
    expect(await route()).toBe(backend);
    await expect.poll(route, waiting).toBe(frontend);
  });

  it('may not come from the bus, nor from another agent than the key is for', async () => {
    const bus = await startBus();
    const token = await bus.register(backend);
    expect((await bus.send(envelope('h1', busAgent, backend, beat))).body.code).toBe('SENDER_FORBIDDEN');
    expect((await bus.send(envelope('h2', frontend, busAgent, beat), token)).body.code).toBe('SENDER_FORBIDDEN');
  });
});
