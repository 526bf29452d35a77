import { expect, it, vi } from 'vitest';
import { backend, envelope, frontend, orchestrator, startBus, waiting } from '../support/running-bus.ts';

it('a task keeps each retry of its request, and the fallback that got it in the end', async () => {
  const bus = await startBus();
  const { sessionManager: sessions } = bus.bus;
  const sessionId = sessions.createSession(orchestrator, [{ agent_id: backend }]);
  const [first, second] = [await bus.connect(backend), await bus.connect(frontend)];
  const { body } = await bus.send(
    envelope('m1', orchestrator, backend, {
      sender: { agent_id: orchestrator, session_id: sessionId },
      routing: { fallback_agents: [frontend] },
    }),
  );
  const task = () => sessions.getTaskDelegation(body.task.task_id, sessionId);
  await first.envelope('m1');
  first.send({ type: 'nack', message_id: 'm1', delay: '1ms', reason: 'busy' });
  await first.envelope('m1');
  await vi.waitFor(() => expect(task()?.retries).toBe(1), waiting);
  first.send({ type: 'nack', message_id: 'm1', requeue: false, reason: 'ill' });
  await second.envelope('m1');
  expect(task()).toMatchObject({
    retries: 1,
    handovers: [{ from: backend, to: frontend, reason: 'fallback: given up: ill' }],
  });
  const events = await sessions.readEvents(sessionId, 0, 100);
  expect(events.flatMap(({ type, data }) => (type === 'task_retried' ? [data] : []))).toEqual([
    { task_id: body.task.task_id, message_id: 'm1', delegatee: backend, outcome: 'nacked', reason: 'busy' },
  ]);
});

it('a task keeps that its request went to a fallback at once', async () => {
  const bus = await startBus();
  const { sessionManager: sessions } = bus.bus;
  const sessionId = sessions.createSession(orchestrator);
  await bus.register(frontend);
  const nobody = 'nobody://here';
  const { body } = await bus.send(
    envelope('m1', orchestrator, nobody, {
      sender: { agent_id: orchestrator, session_id: sessionId },
      routing: { fallback_agents: [frontend] },
    }),
  );
  expect(sessions.getTaskDelegation(body.task.task_id, sessionId)).toMatchObject({
    stands_in_for: nobody,
    handovers: [{ from: nobody, to: frontend, reason: `fallback: ${nobody} is not known` }],
  });
});

it('a message without a session may be retried as well', async () => {
  const bus = await startBus();
  const agent = await bus.connect(backend);
  await bus.send(envelope('m1', orchestrator, backend));
  await agent.envelope('m1');
  agent.send({ type: 'nack', message_id: 'm1', delay: '1ms' });
  await agent.envelope('m1');
});
