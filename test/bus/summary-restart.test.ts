import { expect, it } from 'vitest';
import { summaryMarkdown } from '../../src/core/summary/markdown.ts';
import { ResultAggregator } from '../../src/core/summary/result-aggregator.ts';
import { backend, envelope, frontend, orchestrator, startBus } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

it('the summary of a completed session is the same after a restart, byte for byte', async () => {
  const dataDir = temporaryFolder();
  const before = await startBus({ persistenceEnabled: true, dataDir });
  const sessions = before.bus.sessionManager;
  const id = sessions.createSession({
    orchestrator,
    participants: [{ agent_id: backend }, { agent_id: frontend }],
    workflow: [{ name: 'build', required_agents: [backend, frontend] }],
  });
  const inSession = (agent_id: string) => ({ sender: { agent_id, session_id: id } });
  for (const [name, agent] of Object.entries({ b: backend, f: frontend, open: frontend })) {
    await before.send(envelope(name, orchestrator, agent, inSession(orchestrator)));
    if (name === 'open') continue;
    const answer = { message_type: 'task_response', payload: { by: name, same: [1] }, metadata: { in_reply_to: name } };
    await before.send(envelope(`re_${name}`, agent, orchestrator, { ...inSession(agent), ...answer }));
  }
  const synthesis = { strategy: 'specialist' as const, specialists: [frontend] };
  sessions.completeSession(id, { summary: 'Built', artifacts: ['s3://build'], synthesis });
  await sessions.settled(id);
  const kept = JSON.stringify(sessions.getSummary(id));
  const text = summaryMarkdown(sessions.getSummary(id));
  expect(kept).toContain('"decided"');
  await before.bus.stop();

  const after = await startBus({ persistenceEnabled: true, dataDir });
  const again = after.bus.sessionManager;
  expect(JSON.stringify(again.getSummary(id))).toBe(kept);
  expect(summaryMarkdown(again.getSummary(id))).toBe(text);
  const events = await again.readEvents(id, 0, 1000);
  expect(JSON.stringify(new ResultAggregator(events).summary())).toBe(kept);
});
