// Everything the doors do with messages.

import type { Clock } from '../ports/clock.ts';
import type { MailboxStore, Offer, Rejection } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import type { LedgerMessage, MessageStatus, Receipt } from '../protocol/types.gen.ts';
import type { Principal } from './identity.ts';
import { envelopeOf, ledgerView } from './ledger-view.ts';
import type { MailboxAccess, Pull } from './mailbox-access.ts';
import type { MessageIntake, Sending } from './message-intake.ts';
import type { SessionManager } from './session-manager.ts';

export interface PageOptions {
  after?: string | undefined;
  limit?: number | undefined;
}

export interface MessagePage {
  items: LedgerMessage[];
  next?: string;
}

export interface MessageServiceDeps {
  intake: MessageIntake;
  access: MailboxAccess;
  mailboxes: MailboxStore;
  sessions: SessionManager;
  clock: Clock;
}

const defaultPage = 100;

export class MessageService {
  readonly #deps: MessageServiceDeps;

  constructor(deps: MessageServiceDeps) {
    this.#deps = deps;
  }

  /** As `MessageIntake.send`. */
  send(sending: Sending): Promise<Receipt> {
    return this.#deps.intake.send(sending);
  }

  /** As `MailboxAccess.pull`. */
  pull(agentId: string, pull: Pull, signal: AbortSignal): Promise<Offer[]> {
    return this.#deps.access.pull(agentId, pull, signal);
  }

  ack(agentId: string, messageId: string): Promise<MessageStatus> {
    return this.#deps.access.ack(agentId, messageId);
  }

  nack(agentId: string, messageId: string, rejection: Rejection): Promise<MessageStatus> {
    return this.#deps.access.nack(agentId, messageId, rejection);
  }

  /** To an agent, only what it sent or was sent exists. @throws BusError MESSAGE_NOT_FOUND */
  async find(messageId: string, principal: Principal): Promise<LedgerMessage> {
    const entry = await this.#deps.mailboxes.find(messageId);
    const message = entry && ledgerView(entry);
    const isParty =
      principal.kind === 'bus' ||
      principal.agentId === message?.recipient_agent_id ||
      principal.agentId === entry?.facts.sender;
    if (!message || !isParty) throw new BusError('MESSAGE_NOT_FOUND', `There is no message ${messageId}.`);
    return message;
  }

  /** The messages of a session in the order they were accepted. @throws BusError SESSION_NOT_FOUND */
  async ofSession(sessionId: string, { after, limit = defaultPage }: PageOptions): Promise<MessagePage> {
    const { sessions, mailboxes } = this.#deps;
    const items: LedgerMessage[] = [];
    let cursor = Number(after ?? 0);
    if (!Number.isSafeInteger(cursor))
      throw new BusError('VALIDATION_FAILED', 'after: must be the `next` of an earlier page.');
    for (;;) {
      const events = await sessions.readEvents(sessionId, cursor, defaultPage);
      for (const event of events) {
        if (event.type === 'message_recorded') {
          if (items.length === limit) return { items, next: String(cursor) };
          const entry = await mailboxes.find(event.data.message_id);
          if (entry) items.push(ledgerView(entry));
        }
        cursor = Number(event.id);
      }
      if (events.length === 0) return { items };
    }
  }

  async deadLetters({ after, limit = defaultPage }: PageOptions): Promise<MessagePage> {
    const { items, next } = await this.#deps.mailboxes.deadLetters(after, limit);
    return next === undefined ? { items: items.map(ledgerView) } : { items: items.map(ledgerView), next };
  }

  /** Sends a dead letter again, with as much time as it had. @throws BusError MESSAGE_NOT_FOUND */
  async redrive(messageId: string): Promise<MessageStatus> {
    const { mailboxes, clock } = this.#deps;
    const entry = await mailboxes.find(messageId);
    const envelope = entry && envelopeOf(entry);
    if (!envelope) throw noDeadLetter(messageId);
    const { routing } = envelope;
    if (!(await mailboxes.redrive(messageId, clock.now() + parseDuration(routing.timeout))))
      throw noDeadLetter(messageId);
    return (await mailboxes.find(messageId))?.status ?? 'queued';
  }

  /** @throws BusError MESSAGE_NOT_FOUND */
  async discard(messageId: string): Promise<void> {
    if (!(await this.#deps.mailboxes.discard(messageId))) throw noDeadLetter(messageId);
  }
}

function noDeadLetter(messageId: string): BusError {
  return new BusError('MESSAGE_NOT_FOUND', `There is no dead letter ${messageId}.`);
}
