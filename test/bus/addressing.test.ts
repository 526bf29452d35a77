import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, noRetries, orchestrator, startBus, waiting } from '../support/running-bus.ts';

const qa = 'claude-code://qa';
const nobody = 'nobody://here';
const fallback = (...fallback_agents: string[]) => ({ routing: { ...noRetries, fallback_agents } });

describe('fallback agents', () => {
  it('take mail for an unknown agent, an online one before an earlier one that is not', async () => {
    const bus = await startBus();
    await bus.register(frontend);
    const online = await bus.connect(qa);
    const { status, body } = await bus.send(envelope('m1', orchestrator, nobody, fallback(frontend, qa)));
    expect(status).toBe(202);
    expect(body.recipient).toMatchObject({ agent_id: qa, routed_by: `fallback: ${nobody} is not known` });
    await online.envelope('m1');
    expect((await bus.ledger('m1')).routed_by).toContain('not known');
    await bus.send(envelope('m2', orchestrator, nobody, fallback(nobody, frontend)));
    expect(await bus.ledger('m2')).toMatchObject({ recipient_agent_id: frontend, status: 'queued' });
  });

  it('are no help where none of them is known', async () => {
    const bus = await startBus();
    const refused = await bus.send(envelope('m1', orchestrator, nobody, fallback('no://one')));
    expect(refused).toMatchObject({ status: 404, body: { code: 'AGENT_NOT_FOUND' } });
  });

  it('take mail of an agent that is offline longer than the grace, and not before', async () => {
    const bus = await startBus({ offlineGrace: 150 });
    await bus.connect(frontend);
    const gone = await bus.connect(backend);
    await gone.close();
    await bus.untilOffline(backend);
    await bus.send(envelope('early', orchestrator, backend, fallback(frontend)));
    expect((await bus.ledger('early')).recipient_agent_id).toBe(backend);
    await expect
      .poll(async () => {
        const { body } = await bus.send(envelope(`late-${Date.now()}`, orchestrator, backend, fallback(frontend)));
        return body.recipient;
      }, waiting)
      .toMatchObject({ agent_id: frontend, routed_by: `fallback: ${backend} has been offline for more than 150 ms` });
  });

  it('take what the addressed agent gave up, in turn, and after them it is a dead letter', async () => {
    const bus = await startBus({ ackTimeout: 60 });
    const sender = await bus.connect(orchestrator);
    const [first, second, third] = [await bus.connect(backend), await bus.connect(frontend), await bus.connect(qa)];
    await bus.send(envelope('m1', orchestrator, backend, fallback(frontend, qa)));
    await first.envelope('m1');
    await second.envelope('m1');
    expect((await bus.ledger('m1')).routed_by).toBe('fallback: retries used up: lease_expired');
    second.send({ type: 'nack', message_id: 'm1', requeue: false, reason: 'no' });
    await third.envelope('m1');
    expect(await sender.envelope()).toMatchObject({
      message_type: 'error',
      payload: { code: 'DELIVERY_FAILED', message_id: 'm1', recipient: qa, reason: 'retries used up: lease_expired' },
    });
    const { status, attempts } = await bus.ledger('m1');
    expect(status).toBe('dead');
    expect(attempts.map((one: { agent_id: string; outcome: string }) => `${one.agent_id} ${one.outcome}`)).toEqual([
      `${backend} lease_expired`,
      `${frontend} nacked`,
      `${qa} lease_expired`,
    ]);
  });
});

describe('a capability as the recipient', () => {
  const review = { recipient: { capability: 'review' } };

  it('goes to the least loaded agent that has it and is online', async () => {
    const bus = await startBus();
    for (const id of [backend, frontend, qa]) await bus.register(id, 'review');
    await bus.connect(backend);
    const idle = await bus.connect(frontend);
    for (let i = 0; i < 3; i++) await bus.send(envelope(`busy${i}`, orchestrator, backend));
    const { body } = await bus.send(envelope('m1', orchestrator, '', review));
    expect(body.recipient).toMatchObject({ agent_id: frontend, routed_by: 'capability: review' });
    expect((await idle.envelope('m1')).recipient).toEqual({ capability: 'review' });
  });

  it('takes equally loaded agents in turn', async () => {
    const bus = await startBus();
    const sockets = [];
    for (const id of [backend, frontend, qa]) {
      await bus.register(id, 'review');
      sockets.push(await bus.connectPlain(id));
    }
    for (let i = 0; i < 9; i++) {
      await bus.send(envelope(`m${i}`, orchestrator, '', review));
      await bus.untilStatus(`m${i}`, 'acknowledged');
    }
    expect(sockets.map((socket) => socket.unread.length)).toEqual([3, 3, 3]);
  });

  it('waits for an agent that has it where none is online, and knows frameworks', async () => {
    const bus = await startBus();
    await bus.register(backend, 'review');
    await bus.register(frontend, 'review');
    const recipient = { capability: 'review', framework: 'codex' };
    expect((await bus.send(envelope('m1', orchestrator, '', { recipient }))).body.recipient.agent_id).toBe(frontend);
    const later = await bus.connect(frontend);
    await later.envelope('m1');
  });

  it('that nobody has is refused, or goes to a fallback', async () => {
    const bus = await startBus();
    const recipient = { capability: 'flying' };
    const refused = await bus.send(envelope('m1', orchestrator, '', { recipient }));
    expect(refused).toMatchObject({ status: 404, body: { code: 'AGENT_NOT_FOUND' } });
    await bus.register(backend);
    const { body } = await bus.send(envelope('m2', orchestrator, '', { recipient, ...fallback(backend) }));
    expect(body.recipient).toMatchObject({ agent_id: backend, routed_by: expect.stringContaining('flying') });
  });
});
