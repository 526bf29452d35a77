// What a sender gets back: the proof that its message is stored, and where it went.
import { isSameContent } from '../core/delivery/same-content.ts';
import type { LedgerEntry, MailboxStore } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { Envelope, Receipt, TaskRef } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import { agentOfMailbox, envelopeOf } from './ledger-view.ts';

export class Receipts {
  readonly #agents: AgentDirectory;
  readonly #mailboxes: MailboxStore;

  constructor(agents: AgentDirectory, mailboxes: MailboxStore) {
    this.#agents = agents;
    this.#mailboxes = mailboxes;
  }

  first(
    messageId: string,
    agentId: string,
    status: Receipt['status'],
    routedBy: string | undefined,
    task: TaskRef | undefined,
  ): Receipt {
    const receipt: Receipt = {
      success: true,
      message_id: messageId,
      status,
      recipient: {
        agent_id: agentId,
        online: this.#agents.isOnline(agentId),
        queued: this.#mailboxes.stats(agentId).queued,
        last_seen_at: this.#agents.lastSeenAt(agentId),
      },
    };
    if (routedBy !== undefined) receipt.recipient.routed_by = routedBy;
    if (task !== undefined) receipt.task = task;
    return receipt;
  }

  /** The receipt of a message that was sent before. @throws BusError MESSAGE_ID_CONFLICT where it was another one. */
  repeated(sent: Envelope, entry: LedgerEntry): Receipt {
    const known = envelopeOf(entry);
    if (!known || !isSameContent(known, sent)) {
      throw new BusError(
        'MESSAGE_ID_CONFLICT',
        `The message id ${entry.messageId} belongs to another message; choose a new one.`,
      );
    }
    const status = entry.attempts.length > 0 ? 'offered' : 'queued';
    const { routedBy, task } = entry.facts;
    return { ...this.first(entry.messageId, agentOfMailbox(entry.mailbox), status, routedBy, task), duplicate: true };
  }
}
