import { describe, expect, it } from 'vitest';
import { backend, envelope, frontend, noRetries, orchestrator, startBus } from '../support/running-bus.ts';
import { withoutStamp } from '../support/stamp.mjs';

const qa = 'claude-code://qa';
const nobody = 'nobody://here';
const stamp = {
  sender: 'bus',
  workspace_id: 'default',
  accepted_at: expect.stringMatching(/^20.*Z$/),
  hop: 1,
};
const fallback = (...fallback_agents: string[]) => ({ routing: { ...noRetries, fallback_agents } });

describe('an envelope that a fallback gets', () => {
  it('says to whom it was addressed and why it came, from the start', async () => {
    const bus = await startBus();
    const agent = await bus.connect(frontend);
    const own = { step: 'a step of my own', 'x-mine': 1 };
    await bus.send(envelope('m1', orchestrator, nobody, { ...fallback(frontend), metadata: own }));
    const got = await agent.envelope('m1');
    expect(got.recipient.agent_id).toBe(nobody);
    expect(got.metadata).toEqual({
      ...own,
      bus: { ...stamp, addressed_to: nobody, routed_by: `fallback: ${nobody} is not known` },
    });
    expect((await bus.ledger('m1')).envelope).toEqual(got);
  });

  it('names the first addressee and the last reason after every further fallback', async () => {
    const bus = await startBus();
    const [first, second, third] = [await bus.connect(backend), await bus.connect(frontend), await bus.connect(qa)];
    await bus.send(envelope('m1', orchestrator, backend, fallback(frontend, qa)));
    expect((await first.envelope('m1')).metadata.bus).toEqual(stamp);
    first.send({ type: 'nack', message_id: 'm1', requeue: false, reason: 'busy' });
    expect((await second.envelope('m1')).metadata.bus).toEqual({
      ...stamp,
      addressed_to: backend,
      routed_by: 'fallback: given up: busy',
    });
    second.send({ type: 'nack', message_id: 'm1', requeue: false, reason: 'ill' });
    expect((await third.envelope('m1')).metadata.bus).toEqual({
      ...stamp,
      addressed_to: backend,
      routed_by: 'fallback: given up: ill',
    });
  });

  it('says what was sought where it named no agent', async () => {
    const bus = await startBus();
    const agent = await bus.connect(frontend);
    const recipient = { capability: 'flying' };
    await bus.send(envelope('m1', orchestrator, '', { recipient, ...fallback(frontend) }));
    expect((await agent.envelope('m1')).metadata.bus.addressed_to).toEqual(recipient);
  });

  it('is the same message when it is sent again, whatever metadata it had', async () => {
    const bus = await startBus();
    await bus.register(frontend);
    for (const [index, metadata] of [undefined, {}, { a: 1 }].entries()) {
      const sent = envelope(`m${index}`, orchestrator, nobody, {
        ...fallback(frontend),
        ...(metadata && { metadata }),
      });
      await bus.send(sent);
      expect((await bus.send(sent)).body).toMatchObject({ duplicate: true, recipient: { agent_id: frontend } });
      const other = { ...sent, metadata: { a: 2 } };
      expect((await bus.send(other)).body.code).toBe('MESSAGE_ID_CONFLICT');
    }
  });
});

describe('an envelope that is on no detour', () => {
  it('arrives as the bytes that were sent, also where a capability chose its recipient', async () => {
    const bus = await startBus();
    await bus.register(frontend, 'review');
    const agent = await bus.connect(frontend);
    for (const [id, recipient] of [
      ['m1', { agent_id: frontend, framework: 'codex' }],
      ['m2', { capability: 'review' }],
    ] as const) {
      const text = ` ${JSON.stringify({
        ...envelope(id, orchestrator, '', { recipient }),
        timestamp: '2025-02-02T11:00:00Z',
        sender: { agent_id: orchestrator, framework: 'claude-code' },
        priority: 'high',
        routing: { timeout: '5m', delivery_mode: 'async', ...noRetries, fallback_agents: [backend] },
      })} `;
      await bus.call('POST', '/messages/send', text);
      const got = await agent.nextRaw((frame) => frame.message_id === id);
      expect(got.frame.metadata).toEqual({ bus: stamp });
      expect(withoutStamp(got.text)).toBe(text);
    }
  });

  it('may not say that it is: what only the bus writes is refused by its path', async () => {
    const bus = await startBus();
    const client = await bus.connect(orchestrator);
    await bus.register(frontend);
    const metadata = { bus: { addressed_to: backend, routed_by: 'me' } };
    const forged = envelope('m1', orchestrator, frontend, { metadata });
    const details = [{ path: '/metadata/bus', message: 'is written by the bus alone; leave it out' }];
    expect((await bus.send(forged)).body).toMatchObject({ code: 'VALIDATION_FAILED', errors: details });
    client.send(forged);
    expect(await client.type('rejected')).toMatchObject({ code: 'VALIDATION_FAILED', errors: details });
    expect(await bus.ledger('m1')).toBeUndefined();
  });
});
