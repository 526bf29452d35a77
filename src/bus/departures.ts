// Who leaves a session gets no more of what lay in its mailbox for it then; who sent that is told, and so is the session.
import { timingOf } from '../core/delivery/timing.ts';
import type { LedgerEntry, MailboxStore } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { AgentId, MessageId, SessionId } from '../protocol/types.gen.ts';
import type { Background } from './background.ts';
import { envelopeOf } from './ledger-view.ts';
import type { SessionManager } from './session-manager.ts';
import type { Undeliverable } from './undeliverable.ts';

export interface DepartureDeps {
  sessions: SessionManager;
  mailboxes: MailboxStore;
  undeliverable: Undeliverable;
  background: Background;
  onError: (error: unknown) => void;
}

type Spared = (entry: LedgerEntry) => boolean;

/** Events that are looked through at once, and most messages that one event tells of. */
const pageSize = 1_000;

export class Departures {
  readonly #deps: DepartureDeps;

  constructor(deps: DepartureDeps) {
    this.#deps = deps;
    const { sessions, background } = deps;
    sessions.on('participant_removed', ({ sessionId, agent_id }) => {
      background.run(() => this.#withdraw(sessionId, agent_id));
    });
  }

  /** A crash may have come between a departure and the end of that mail. */
  async resume(): Promise<void> {
    const { sessions, onError } = this.#deps;
    for (const { session_id, participants } of sessions.getActiveSessions()) {
      for (const { agent_id, status } of participants) {
        // Mail that cannot be read must not keep the bus from starting.
        if (status === 'left') await this.#withdraw(session_id, agent_id, isSentAgain).catch(onError);
      }
    }
  }

  async #withdraw(sessionId: SessionId, agentId: AgentId, isSpared: Spared = () => false): Promise<void> {
    const { sessions, mailboxes } = this.#deps;
    const { queued, inFlight } = mailboxes.stats(agentId);
    if (queued + inFlight === 0) return;
    try {
      // In this order: the departure is durable before anybody hears of it.
      await sessions.settled(sessionId);
      for await (const messageIds of this.#sentBeforeItLeft(sessionId, agentId)) {
        const withdrawn: MessageId[] = [];
        for (const id of messageIds) if (await this.#bury(id, agentId, isSpared)) withdrawn.push(id);
        if (withdrawn.length > 0) await sessions.messagesWithdrawn(sessionId, agentId, withdrawn);
      }
    } catch (error) {
      // The session was deleted meanwhile: its mail is no more than any other.
      if (!(error instanceof BusError) || error.code !== 'SESSION_NOT_FOUND') throw error;
    }
  }

  /** What was sent to it in the session, but for requests: those go with their tasks. */
  async *#sentBeforeItLeft(sessionId: SessionId, agentId: AgentId): AsyncGenerator<MessageId[], void, undefined> {
    const sent: MessageId[] = [];
    for (let cursor = 0; ; ) {
      const events = await this.#deps.sessions.readEvents(sessionId, cursor, pageSize);
      for (const { id, type, data } of events) {
        cursor = Number(id);
        if (type === 'participant_removed' && data.agent_id === agentId) yield sent.splice(0);
        if (type !== 'message_recorded' || data.recipient !== agentId) continue;
        if (data.message_type !== 'task_request') sent.push(data.message_id);
      }
      if (events.length < pageSize) return;
    }
  }

  async #bury(messageId: MessageId, agentId: AgentId, isSpared: Spared): Promise<boolean> {
    const entry = await this.#deps.mailboxes.find(messageId);
    if (entry?.mailbox !== agentId || entry.status === 'acknowledged' || entry.status === 'dead') return false;
    return !isSpared(entry) && (await this.#deps.undeliverable.bury(entry, 'participant left'));
  }
}

/** A dead letter that was sent again has more time than it had. */
function isSentAgain(entry: LedgerEntry): boolean {
  const envelope = envelopeOf(entry);
  return envelope !== null && entry.deadline > timingOf(envelope.routing, entry.acceptedAt).deadline;
}
