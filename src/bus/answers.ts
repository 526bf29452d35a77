// Which request an answer answers: the answer is the ack of that as well.
import type { MailboxStore } from '../ports/mailbox-store.ts';
import type { CompleteEnvelope, TaskRef } from '../protocol/types.gen.ts';
import type { Counters } from './counters.ts';
import type { SessionManager } from './session-manager.ts';

export interface AnswersDeps {
  mailboxes: MailboxStore;
  sessions: SessionManager;
  counters: Counters;
  /** Told of what was acked by an answer. */
  settled: (agentId: string, messageIds: readonly string[]) => void;
}

export class Answers {
  readonly #deps: AnswersDeps;

  constructor(deps: AnswersDeps) {
    this.#deps = deps;
  }

  /** The request that it names, else the one of the task that it moved. */
  requestOf({ message_type, metadata, sender }: CompleteEnvelope, task: TaskRef | undefined): string | undefined {
    if (message_type !== 'task_response' && message_type !== 'error') return undefined;
    if (metadata?.in_reply_to !== undefined) return metadata.in_reply_to;
    if (!task) return undefined;
    return this.#deps.sessions.getTaskDelegation(task.task_id, sender.session_id)?.message_id ?? undefined;
  }

  /** Resolves with whether the agent had it; never rejects. */
  async settle(agentId: string, request: string): Promise<boolean> {
    const { mailboxes, counters, settled } = this.#deps;
    // A store that failed has said so itself; the message will be offered again.
    const [status] = await mailboxes.ack(agentId, [request]).catch(() => []);
    if (status !== 'acknowledged') return false;
    counters.acknowledged++;
    settled(agentId, [request]);
    return true;
  }
}
