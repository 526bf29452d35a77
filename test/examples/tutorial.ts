// The session tutorial, sections 1 to 6, as one program.
import { CommunicationBus } from '@vibes/agent-communication-bus';

// 1. Start the bus and access the session manager

const bus = new CommunicationBus({
  port: 8080,
  host: 'localhost',
  maxConnections: 100,
  heartbeatInterval: 30000,
  messageTimeout: 300000,
  persistenceEnabled: false,
  encryptionEnabled: false,
  apiKey: process.env.AGENT_BUS_API_KEY ?? 'dev-key',
});

await bus.start();

const sessionManager = bus.sessionManager;

// The listeners of section 3, early enough to hear everything.

sessionManager.on('session_created', (event) => console.log('Session created', event.sessionId));
sessionManager.on('task_delegated', (event) => console.log('Task delegated', event));
sessionManager.on('session_completed', (event) => console.log('Session done', event.sessionId));

// 2. Create a session

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

console.log('New session:', sessionId);

sessionManager.addParticipant(sessionId, {
  agent_id: 'opencode://security',
  framework: 'opencode',
  role: 'reviewer',
});

// 3. Track workflow progress

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

// 4. What the tutorial's curl sends, in the same words

const answer = await fetch(`${(await bus.start()).url}/messages/send`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'x-agent-api-key': process.env.AGENT_BUS_API_KEY ?? 'dev-key' },
  body: JSON.stringify({
    message_id: 'task_impl_backend',
    timestamp: '2025-02-02T11:00:00Z',
    sender: { agent_id: 'claude-code://orchestrator', framework: 'claude-code', session_id: sessionId },
    recipient: { agent_id: 'opencode://backend', framework: 'opencode' },
    message_type: 'task_request',
    priority: 'high',
    payload: { task_type: 'implementation', context: { component: 'notification-service' } },
    routing: { timeout: '300s', retry_policy: { max_retries: 1, backoff: 'linear' }, delivery_mode: 'async' },
  }),
});
console.log('Receipt:', answer.status, JSON.stringify(await answer.json()));

// 5. Terminate or complete sessions

sessionManager.completeSession(sessionId, {
  summary: 'All tasks completed successfully',
  artifacts: ['s3://artifacts/build.zip'],
});

{
  // The exceptional case, on a session of its own: one that has ended stays as it ended.
  const sessionId = sessionManager.createSession({ name: 'exceptional case' });
  sessionManager.terminateSession(sessionId, {
    reason: 'timeout',
    details: 'Frontend agent offline',
  });
}

// 6. Cleanup

await bus.stop();
