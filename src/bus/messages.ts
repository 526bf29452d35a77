// Everything the doors do with messages.

import { onOnePage, PageBudget } from '../core/paging/page-budget.ts';
import type { Clock } from '../ports/clock.ts';
import type { LedgerEntry, MailboxStore, Offer, Rejection } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import type { AnyReceipt, LedgerBroadcast, LedgerMessage, MessageStatus } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import type { Broadcasts } from './broadcasts.ts';
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
  /** Ids of those that cannot be read. */
  damaged?: string[];
}

export interface MessageServiceDeps {
  intake: MessageIntake;
  broadcasts: Broadcasts;
  access: MailboxAccess;
  agents: AgentDirectory;
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
  send(sending: Sending): Promise<AnyReceipt> {
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

  /** To an agent, only what it sent or was sent exists; to a user, what was said in its sessions or with its agents. @throws BusError MESSAGE_NOT_FOUND */
  async find(messageId: string, principal: Principal): Promise<LedgerMessage | LedgerBroadcast> {
    const { mailboxes, broadcasts } = this.#deps;
    const entry = await mailboxes.find(messageId);
    if (!entry || !this.#isVisible(entry, principal)) {
      throw new BusError('MESSAGE_NOT_FOUND', `There is no message ${messageId}.`);
    }
    return (await broadcasts.find(entry)) ?? ledgerView(entry);
  }

  #isVisible(entry: LedgerEntry, { agentId, userId }: Principal): boolean {
    const { agents, sessions } = this.#deps;
    const { sender, copies, sessionId } = entry.facts;
    const parties = [sender, ...(copies ? copies.map((copy) => copy.agentId) : [entry.mailbox])];
    if (agentId !== undefined && !parties.includes(agentId)) return false;
    if (userId === undefined) return true;
    const isOfTheirs = sessionId !== undefined && sessions.userOf(sessionId) === userId;
    return isOfTheirs || parties.some((party) => agents.isOf(party, userId));
  }

  /** The messages of a session in the order they were accepted. @throws BusError SESSION_NOT_FOUND */
  async ofSession(sessionId: string, { after, limit = defaultPage }: PageOptions): Promise<MessagePage> {
    const { sessions, mailboxes } = this.#deps;
    const items: LedgerMessage[] = [];
    const damaged: string[] = [];
    const budget = new PageBudget();
    const page = () => (damaged.length > 0 ? { items, damaged } : { items });
    let cursor = Number(after ?? 0);
    if (!Number.isSafeInteger(cursor))
      throw new BusError('VALIDATION_FAILED', 'after: must be the `next` of an earlier page.');
    for (;;) {
      const events = await sessions.readEvents(sessionId, cursor, defaultPage);
      for (const event of events) {
        if (event.type === 'message_recorded') {
          const { message_id: id } = event.data;
          const entry = await mailboxes.find(id).catch(unreadable);
          const isFull = items.length === limit || (entry && !budget.takes(entry.bytes.length));
          if (isFull) return { ...page(), next: String(cursor) };
          if (entry === null) damaged.push(id);
          else if (entry) items.push(ledgerView(entry));
        }
        cursor = Number(event.id);
      }
      if (events.length === 0) return page();
    }
  }

  async deadLetters({ after, limit = defaultPage }: PageOptions): Promise<MessagePage> {
    const { mailboxes } = this.#deps;
    for (let most = limit; ; ) {
      const { items, ...rest } = await mailboxes.deadLetters(after, most);
      const { length } = onOnePage(items, (entry) => entry.bytes.length);
      if (length === items.length) return { items: items.map(ledgerView), ...rest };
      // Only the store can say where a shorter page ends.
      most = length;
    }
  }

  /** Sends a dead letter again, with as much time as it had. @throws BusError MESSAGE_NOT_FOUND, MAILBOX_FULL, STORE_FULL */
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

/** For a list: one message that the disk has damaged does not hide the others. @throws what else went wrong */
function unreadable(error: unknown): null {
  if (error instanceof BusError && error.code === 'STORE_UNREADABLE') return null;
  throw error;
}
