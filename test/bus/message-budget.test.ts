import { describe, expect, it } from 'vitest';
import { backend, lead, message, open, refused } from './session-setup.ts';

const ask = (id: string) => message(id, 'task_request', lead, backend);

function create(sessions: Awaited<ReturnType<typeof open>>['sessions'], messageBudget?: number): string {
  const participants = [{ agent_id: backend, role: 'implementer' }];
  return sessions.createSession({
    orchestrator: lead,
    participants,
    ...(messageBudget !== undefined && { messageBudget }),
  });
}

describe('the message budget of a session', () => {
  it('lets through as many messages as it says, and not one more', async () => {
    const { sessions } = await open();
    const id = create(sessions, 3);
    expect(sessions.getSession(id)).toMatchObject({ message_budget: 3, messages_used: 0 });
    sessions.recordMessage(ask(id));
    sessions.recordMessage(message(id, 'task_response', backend, lead));
    sessions.recordMessage(ask(id));
    const { version } = sessions.getSession(id) ?? {};
    expect(() => sessions.recordMessage(ask(id))).toThrow(refused('BUDGET_EXHAUSTED'));
    expect(sessions.getSession(id)).toMatchObject({ messages_used: 3, version });
  });

  it('counts a repeated message once, and knows it after the last one too', async () => {
    const { sessions } = await open();
    const id = create(sessions, 1);
    const first = ask(id);
    const task = sessions.recordMessage(first);
    expect(sessions.recordMessage(first)).toEqual(task);
    expect(sessions.getSession(id)?.messages_used).toBe(1);
  });

  it('is the same after a restart', async () => {
    const { sessions, log } = await open();
    const id = create(sessions, 2);
    sessions.recordMessage(ask(id));
    await sessions.settled(id);
    const again = await open({ log });
    expect(again.sessions.getSession(id)).toMatchObject({ message_budget: 2, messages_used: 1 });
    again.sessions.recordMessage(ask(id));
    expect(() => again.sessions.recordMessage(ask(id))).toThrow(refused('BUDGET_EXHAUSTED'));
  });

  it('takes all copies of a broadcast or none', async () => {
    const { sessions } = await open();
    const id = sessions.createSession({ orchestrator: lead, messageBudget: 3 });
    const copies = (n: number) =>
      Array.from({ length: n }, (_, index) => ({
        envelope: {
          message_id: `m_${n}_${index}`,
          timestamp: '2025-02-02T11:00:00Z',
          sender: { agent_id: lead, framework: 'claude-code', session_id: id },
          recipient: { agent_id: `custom://${index}`, framework: 'custom' },
          message_type: 'status_update' as const,
          priority: 'medium' as const,
          payload: null,
          routing: {
            timeout: '5m',
            retry_policy: { max_retries: 3, backoff: 'linear' as const },
            delivery_mode: 'async' as const,
          },
        },
        recipient: `custom://${index}`,
        deadline: Date.UTC(2025, 1, 2, 12),
        at: Date.UTC(2025, 1, 2, 11),
      }));
    sessions.recordBroadcast(id, copies(2));
    expect(() => sessions.recordBroadcast(id, copies(2).slice(0, 1).concat(copies(3)))).toThrow(
      refused('BUDGET_EXHAUSTED'),
    );
    expect(sessions.getSession(id)?.messages_used).toBe(2);
  });

  it('hurts no other session', async () => {
    const { sessions } = await open();
    const [used, other, unlimited] = [create(sessions, 1), create(sessions, 1), create(sessions)];
    sessions.recordMessage(ask(used));
    expect(() => sessions.recordMessage(ask(used))).toThrow(refused('BUDGET_EXHAUSTED'));
    sessions.recordMessage(ask(other));
    for (let count = 0; count < 100; count++) sessions.recordMessage(ask(unlimited));
    expect(sessions.getSession(unlimited)).not.toHaveProperty('messages_used');
  });

  it.each([0, -1, 1.5, Number.NaN, '3', 1e10])('cannot be %j', async (messageBudget) => {
    const { sessions } = await open();
    expect(() => sessions.createSession({ messageBudget: messageBudget as number })).toThrow(
      refused('VALIDATION_FAILED'),
    );
  });
});
