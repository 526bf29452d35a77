// A cancelled task takes its message with it, or tells the agent that has it already.
import type { MailboxStore } from '../ports/mailbox-store.ts';
import type { SessionManager } from './session-manager.ts';
import type { Undeliverable } from './undeliverable.ts';

export function followCancellations(
  sessions: SessionManager,
  mailboxes: MailboxStore,
  undeliverable: Undeliverable,
  onError: (error: unknown) => void,
): void {
  const cancel = async (sessionId: string, taskId: string): Promise<void> => {
    const messageId = sessions.getTaskDelegation(taskId, sessionId)?.message_id;
    if (messageId === undefined || messageId === null) return;
    // In this order: the cancellation is durable before anybody hears of it.
    await sessions.settled(sessionId);
    const entry = await mailboxes.find(messageId);
    if (!entry) return;
    const wasOffered = entry.attempts.length > 0;
    await mailboxes.bury(messageId, 'task cancelled');
    if (wasOffered) {
      const payload = { code: 'TASK_CANCELLED', task_id: taskId, session_id: sessionId };
      await undeliverable.tell(entry.mailbox, 'status_update', messageId, payload);
    }
  };
  sessions.on('task_updated', ({ sessionId, task_id, status }) => {
    if (status === 'cancelled') cancel(sessionId, task_id).catch(onError);
  });
}
