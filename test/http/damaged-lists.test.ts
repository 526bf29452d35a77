import { expect, it } from 'vitest';
import { damageRecords } from '../support/damage.ts';
import { backend, envelope, orchestrator, startBus } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

it('a damaged message is listed by its id, and does not hide the others', async () => {
  const dataDir = temporaryFolder();
  const first = await startBus({ persistenceEnabled: true, dataDir });
  const sessionId = first.bus.sessionManager.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }]);
  const sender = { agent_id: orchestrator, session_id: sessionId };
  for (const id of ['m1', 'm2', 'm3']) await first.send(envelope(id, orchestrator, backend, { sender }));
  await first.call('DELETE', `/sessions/${sessionId}/participants/${backend}`);
  for (const id of ['m1', 'm2', 'm3']) await first.untilStatus(id, 'dead');
  await first.bus.stop();
  await damageRecords(dataDir, 'm2');

  const bus = await startBus({ persistenceEnabled: true, dataDir });
  for (const path of ['/dead-letters', `/sessions/${sessionId}/messages`]) {
    const { status, body } = await bus.call('GET', path);
    expect(status).toBe(200);
    expect(body.items.map((item: { message_id: string }) => item.message_id)).toEqual(['m1', 'm3']);
    expect(body.damaged).toEqual(['m2']);
  }
  expect((await bus.call('GET', '/messages/m2')).body.code).toBe('STORE_UNREADABLE');
  const told = JSON.stringify(bus.errors.splice(0));
  expect(told).toContain('of message m2 is damaged');
});
