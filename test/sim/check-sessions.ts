// I6: a task ends once. And the log of a session holds what was said to be durable, and every message that was accepted in it.
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import type { KnownMessage } from './known-message.ts';
import type { Model } from './model.ts';

const ends = new Set(['completed', 'failed', 'timeout', 'cancelled']);

/** What was said to be durable, over all runs of the server. */
export class SessionRecord {
  readonly #events = new Map<string, Map<string, string>>();

  get sessionIds(): Iterable<string> {
    return this.#events.keys();
  }

  recorded(event: SessionEvent): void {
    const events = this.#events.get(event.session_id) ?? new Map<string, string>();
    this.#events.set(event.session_id, events.set(event.id, JSON.stringify(event)));
  }

  /** `log` is what the session's log holds at the end. */
  check(model: Model, sessionId: string, log: readonly SessionEvent[], dead: ReadonlyMap<string, string>): void {
    for (const [id, text] of this.#events.get(sessionId) ?? []) {
      const kept = log[Number(id) - 1];
      if (JSON.stringify(kept) !== text)
        model.violate('I1', sessionId, `had event ${id} recorded, and it is not in the log`);
    }
    const ended = new Map<string, string>();
    const recorded = new Set<string>();
    const requests = new Map<string, string>();
    for (const { type, data } of log) {
      if (type === 'message_recorded') recorded.add(data.message_id);
      if (type === 'task_delegated' && data.task.message_id) requests.set(data.task.task_id, data.task.message_id);
      if (type !== 'task_updated' || !ends.has(data.status)) continue;
      const before = ended.get(data.task_id);
      if (before !== undefined) model.violate('I6', data.task_id, `ended as ${data.status} after it was ${before}`);
      ended.set(data.task_id, data.status);
    }
    for (const [task, id] of requests) {
      const isForgotten = (model.messages.get(id)?.redrives.length ?? 0) > 0;
      if (dead.has(id) && !ended.has(task) && !isForgotten) {
        model.violate('I6', task, `is open, and its message ${id} is dead (${dead.get(id)})`);
      }
    }
    for (const message of model.messages.values()) checkMessage(model, message, sessionId, recorded);
  }
}

function checkMessage(model: Model, message: KnownMessage, sessionId: string, recorded: ReadonlySet<string>): void {
  const { id, stored, isNotice, lives } = message;
  if (isNotice || lives > 0 || stored?.envelope.sender.session_id !== sessionId) return;
  if (stored.answer === 'first' && !recorded.has(id)) {
    model.violate('I1', id, `was accepted in ${sessionId}, whose log does not know it`);
  }
}
