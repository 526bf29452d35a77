import { expect, it } from 'vitest';
import { open } from './session-setup.ts';

it('the session manager does what sections 2, 3 and 5 of the tutorial print, as they print it', async () => {
  const { sessions: sessionManager } = await open();
  const lines: unknown[][] = [];
  const console = { log: (...line: unknown[]) => lines.push(line) };

  const sessionId = sessionManager.createSession(
    'claude-code://orchestrator',
    [
      { agent_id: 'opencode://backend', role: 'implementer' },
      { agent_id: 'codex://frontend', role: 'implementer' },
      { agent_id: 'claude-code://qa', role: 'reviewer' },
    ],
    [
      { name: 'design', required_agents: ['claude-code://orchestrator'] },
      { name: 'implementation', required_agents: ['opencode://backend', 'codex://frontend'] },
      { name: 'review', required_agents: ['claude-code://qa'] },
    ],
    {
      project: 'feature/notifications',
      requirements: ['real-time updates', 'audit logs'],
    },
  );

  sessionManager.addParticipant(sessionId, {
    agent_id: 'opencode://security',
    framework: 'opencode',
    role: 'reviewer',
  });

  sessionManager.updateWorkflow(sessionId, {
    current_step: 'implementation',
    completed_steps: ['design'],
    pending_steps: ['review'],
  });

  sessionManager.updateSharedContext(sessionId, {
    ...sessionManager.getSession(sessionId)?.shared_context,
    branch: 'feature/notifications',
    latestCommit: 'abc123',
  });

  sessionManager.on('session_created', (event) => console.log('Session created', event.sessionId));
  sessionManager.on('task_delegated', (event) => console.log('Task delegated', event));
  sessionManager.on('session_completed', (event) => console.log('Session done', event.sessionId));

  expect(sessionManager.getSession(sessionId)).toMatchObject({
    workflow: { current_step: 'implementation', completed_steps: ['design'], pending_steps: ['review'] },
    shared_context: {
      project: 'feature/notifications',
      requirements: ['real-time updates', 'audit logs'],
      branch: 'feature/notifications',
      latestCommit: 'abc123',
    },
  });

  sessionManager.completeSession(sessionId, {
    summary: 'All tasks completed successfully',
    artifacts: ['s3://artifacts/build.zip'],
  });
  expect(lines).toEqual([['Session done', sessionId]]);

  const other = sessionManager.createSession('claude-code://orchestrator', [], [], {});
  sessionManager.terminateSession(other, {
    reason: 'timeout',
    details: 'Frontend agent offline',
  });
  expect(sessionManager.getSession(other)?.outcome).toEqual({ reason: 'timeout', details: 'Frontend agent offline' });
});
