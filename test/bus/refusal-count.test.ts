import { expect, it, onTestFinished } from 'vitest';
import { operator } from '../../src/bus/identity.ts';
import type { Envelope } from '../../src/protocol/types.gen.ts';
import { openTestBus } from '../http/test-bus.ts';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';

const unknown = 'codex://nobody';

it.each([
  ['that nobody can get', envelope('m2', orchestrator, unknown), 'AGENT_NOT_FOUND'],
  ['with an id that is taken', envelope('m1', orchestrator, backend, { payload: 'other' }), 'MESSAGE_ID_CONFLICT'],
  ['in the name of the bus', envelope('m2', 'bus://agent-bus', backend), 'SENDER_FORBIDDEN'],
  ['that would wait', envelope('m2', orchestrator, unknown, { routing: { delivery_mode: 'sync' } }), 'AGENT_NOT_FOUND'],
  ['to a session', envelope('m2', orchestrator, '', { recipient: { session_id: 's1' } }), 'SESSION_NOT_FOUND'],
  [
    'in a session',
    envelope('m2', orchestrator, backend, { sender: { agent_id: orchestrator, session_id: 's1' } }),
    'SESSION_NOT_FOUND',
  ],
])('an envelope %s is counted as refused, once', async (_what, refused, code) => {
  const bus = await openTestBus();
  onTestFinished(() => bus.close());
  const { agents, messages } = bus.workspace('default');
  const send = (one: object) => messages.send({ envelope: one as Envelope, principal: operator });
  await agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
  await send(envelope('m1', orchestrator, backend));
  await expect(send(refused)).rejects.toMatchObject({ code });
  expect(bus.counters).toMatchObject({ accepted: 1, refused: 1 });
});
