// A task that is ended by others than its answer takes its message with it, and nobody waits for that answer any more.
import type { MailboxStore } from '../ports/mailbox-store.ts';
import type { Task } from '../protocol/types.gen.ts';
import type { Answers } from './answers.ts';
import type { Background } from './background.ts';
import type { CreateNotice } from './notices.ts';
import type { Replies } from './replies.ts';
import type { SessionManager } from './session-manager.ts';

export interface CancellationDeps {
  sessions: SessionManager;
  mailboxes: MailboxStore;
  notices: CreateNotice;
  replies: Replies;
  answers: Answers;
  background: Background;
  onError: (error: unknown) => void;
}

export class Cancellations {
  readonly #deps: CancellationDeps;

  constructor(deps: CancellationDeps) {
    this.#deps = deps;
    const { sessions, background } = deps;
    sessions.on('task_updated', ({ sessionId, task_id, status, by }) => {
      const isCancelled = status === 'cancelled';
      const isDone = by !== undefined && status !== 'in_progress';
      const task = (isCancelled || isDone) && sessions.lastTaskOf(sessionId, task_id);
      if (task) background.run(() => (isCancelled ? this.#cancel(task) : this.#finish(task)));
    });
  }

  /** A crash may have come between a cancellation and the end of its message. */
  async resume(): Promise<void> {
    const { sessions, onError } = this.#deps;
    // A message that cannot be read must not keep the bus from starting.
    for (const task of sessions.cancelledTasks()) await this.#resume(task).catch(onError);
  }

  async #resume(task: Task): Promise<void> {
    const entry = task.message_id === null ? undefined : await this.#deps.mailboxes.find(task.message_id);
    const isSettled = entry?.status === 'acknowledged' || entry?.status === 'dead';
    // A dead letter that was sent again has more time than its task had.
    const isSentAgain = entry !== undefined && entry.deadline > Date.parse(task.deadline);
    if (entry && !isSettled && !isSentAgain) await this.#cancel(task);
  }

  /** As an answer would: its agent needs the message no longer. Who never got it gets it no more. */
  async #finish({ message_id: messageId, session_id, delegatee, status }: Task): Promise<void> {
    if (messageId === null) return;
    const { sessions, mailboxes, answers, replies } = this.#deps;
    const why = `task ${status}`;
    await sessions.settled(session_id);
    if (!(await answers.settle(delegatee, messageId))) await mailboxes.bury(messageId, why);
    replies.ended(messageId, why);
  }

  /** Also tells the agent that has it already. */
  async #cancel({ message_id: messageId, session_id, task_id }: Task): Promise<void> {
    if (messageId === null) return;
    const { sessions, mailboxes, notices, replies } = this.#deps;
    // In this order: the cancellation is durable before anybody hears of it.
    await sessions.settled(session_id);
    await mailboxes.bury(messageId, 'task cancelled', (dying) => {
      const wasOffered = dying.attempts.length > 0;
      const payload = { code: 'TASK_CANCELLED', task_id, session_id };
      return wasOffered ? notices(dying.mailbox, 'status_update', dying, payload) : undefined;
    });
    replies.ended(messageId, 'task cancelled');
  }
}
