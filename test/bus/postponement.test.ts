import { describe, expect, it } from 'vitest';
import { backend, envelope, orchestrator, startBus } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const delayed = (deliver_after: string, more: object = {}) => ({ routing: { deliver_after, ...more } });

describe('an envelope with deliver_after', () => {
  it.each(['http', 'socket'])('is stored at once, and offered when its time has come (%s)', async (door) => {
    const bus = await startBus({ messageTimeout: 5_000 });
    const [sender, agent] = [await bus.connect(orchestrator), await bus.connect(backend)];
    const sent = envelope('m1', orchestrator, backend, delayed('1500ms'));
    if (door === 'socket') sender.send(sent);
    const receipt = door === 'http' ? (await bus.send(sent)).body : await sender.receipt('m1');
    expect(receipt).toMatchObject({ status: 'queued', deliver_at: expect.any(String) });
    const before = await bus.ledger('m1');
    expect(before).toMatchObject({ status: 'queued', attempts: [], next_attempt_at: receipt.deliver_at });
    expect(Date.parse(before.next_attempt_at) - Date.parse(before.accepted_at)).toBe(1_500);
    expect(Date.parse(before.deadline) - Date.parse(before.accepted_at)).toBe(6_500);
    await bus.send(envelope('m2', orchestrator, backend));
    expect(await agent.envelopes(2)).toEqual(['m2', 'm1']);
    const { attempts } = await bus.ledger('m1');
    expect(Date.parse(attempts[0].offered_at)).toBeGreaterThanOrEqual(Date.parse(receipt.deliver_at));
    expect((await bus.send(sent)).body).toMatchObject({ duplicate: true, deliver_at: receipt.deliver_at });
  });

  it('that would be too late is refused, naming both', async () => {
    const bus = await startBus();
    await bus.register(backend);
    for (const timeout of ['2s', '1s', '300ms']) {
      const { status, body } = await bus.send(envelope('m1', orchestrator, backend, delayed('2s', { timeout })));
      expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED']);
      expect(body.error).toContain('routing.deliver_after');
      expect(body.error).toContain('routing.timeout');
      expect(body.errors.map((one: { path: string }) => one.path)).toEqual([
        '/routing/deliver_after',
        '/routing/timeout',
      ]);
    }
    expect((await bus.send(envelope('m1', orchestrator, backend, delayed('2s', { timeout: '2001ms' })))).status).toBe(
      202,
    );
    expect((await bus.send(envelope('m2', orchestrator, backend, delayed('999999999h')))).body.code).toBe(
      'VALIDATION_FAILED',
    );
    const far = await bus.send(envelope('m3', orchestrator, backend, delayed('999999990h')));
    expect(far.body.deliver_at).toBe('9999-12-31T23:59:59.999Z');
    expect((await bus.ledger('m3')).envelope.routing.timeout).toBe('999999991h');
  });

  it('goes with its task when that is cancelled before its time', async () => {
    const bus = await startBus();
    const agent = await bus.connect(backend);
    const session_id = bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend }], []);
    const sender = { agent_id: orchestrator, session_id };
    const { body } = await bus.send(envelope('m1', orchestrator, backend, { sender, ...delayed('1500ms') }));
    expect(body.task).toBeDefined();
    await bus.call('DELETE', `/sessions/${session_id}/participants/${backend}`);
    expect((await bus.untilStatus('m1', 'dead')).reason).toBe('task cancelled');
    await bus.send(envelope('m2', orchestrator, backend, delayed('1600ms')));
    expect((await agent.envelope()).message_id).toBe('m2');
  });

  it('keeps its time over a restart', async () => {
    const dataDir = temporaryFolder();
    const before = await startBus({ persistenceEnabled: true, dataDir });
    await before.register(backend);
    const { body } = await before.send(envelope('m1', orchestrator, backend, delayed('3s')));
    await before.bus.stop();
    const bus = await startBus({ persistenceEnabled: true, dataDir });
    const agent = await bus.connect(backend);
    expect(await bus.ledger('m1')).toMatchObject({ status: 'queued', next_attempt_at: body.deliver_at });
    await agent.envelope('m1');
    const { attempts } = await bus.ledger('m1');
    expect(attempts).toHaveLength(1);
    expect(Date.parse(attempts[0].offered_at)).toBeGreaterThanOrEqual(Date.parse(body.deliver_at));
  });
});
