import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { operator } from '../../src/bus/identity.ts';
import type { SocketReceiver } from '../../src/bus/workspace.ts';
import type { Envelope } from '../../src/protocol/types.gen.ts';
import { openTestBus } from '../http/test-bus.ts';
import { backend, envelope, frontend, orchestrator } from '../support/running-bus.ts';

/** Takes all that it is offered. */
function socketOf(agentId: string): SocketReceiver {
  const nothing = () => undefined;
  const takes = { room: () => 10, deliver: nothing, forward: nothing, settled: nothing, close: nothing };
  return { agentId, door: 'websocket', connectionId: `conn of ${agentId}`, leaseMs: 30_000, ...takes };
}

it('a sync request that is sent again is answered by who has it, though it would go to another agent by now', async () => {
  const bus = await openTestBus();
  onTestFinished(() => bus.close());
  const { agents, messages } = bus.workspace('default');
  const send = async (one: object) => {
    const sent = messages.send({ envelope: one as Envelope, principal: operator });
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    return { sent };
  };
  await agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
  bus.workspace('default').connect(socketOf(frontend));
  const routing = { delivery_mode: 'sync', timeout: '2s', fallback_agents: [frontend] };
  const question = envelope('q1', orchestrator, backend, { routing });
  const first = await send(question);
  bus.workspace('default').connect(socketOf(backend));
  const again = await send(question);
  await send(
    envelope('r1', frontend, orchestrator, { message_type: 'task_response', metadata: { in_reply_to: 'q1' } }),
  );
  const answered = { recipient: { agent_id: frontend }, reply: { message_id: 'r1' } };
  expect(await first.sent).toMatchObject(answered);
  expect(await again.sent).toMatchObject({ ...answered, duplicate: true });
});
