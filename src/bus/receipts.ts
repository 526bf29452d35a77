// What a sender gets back: the proof that its message is stored, and where it went.
import { isSameContent } from '../core/delivery/same-content.ts';
import { type Timing, timingOf } from '../core/delivery/timing.ts';
import { timestampOf } from '../core/session/timestamp.ts';
import type { BroadcastCopy, LedgerEntry, MailboxStore } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type {
  BroadcastReceipt,
  Envelope,
  MessageStatus,
  Receipt,
  ReceiptRecipient,
  TaskRef,
} from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import { envelopeOf } from './ledger-view.ts';

interface Standing {
  status: Receipt['status'];
  routedBy: string | undefined;
  task: TaskRef | undefined;
  /** Milliseconds since the epoch. */
  deliverAt: number | undefined;
}

export class Receipts {
  readonly #agents: AgentDirectory;
  readonly #mailboxes: MailboxStore;

  constructor(agents: AgentDirectory, mailboxes: MailboxStore) {
    this.#agents = agents;
    this.#mailboxes = mailboxes;
  }

  first(messageId: string, agentId: string, { status, routedBy, task, deliverAt }: Standing): Receipt {
    const receipt: Receipt = { success: true, message_id: messageId, status, recipient: this.#standing(agentId) };
    if (routedBy !== undefined) receipt.recipient.routed_by = routedBy;
    if (deliverAt !== undefined) receipt.deliver_at = timestampOf(deliverAt);
    if (task !== undefined) receipt.task = task;
    return receipt;
  }

  /** The receipt of a message that was sent before. @throws BusError MESSAGE_ID_CONFLICT where it was another one. */
  repeated(sent: Envelope, entry: LedgerEntry): Receipt {
    const { deliverAt } = this.assertRepeat(sent, entry);
    const status = entry.attempts.length > 0 ? 'offered' : 'queued';
    const { routedBy, task } = entry.facts;
    const receipt = this.first(entry.messageId, entry.mailbox, { status, routedBy, task, deliverAt });
    return { ...receipt, duplicate: true };
  }

  /** `statuses` are those of the copies, in their order. */
  broadcast(
    messageId: string,
    copies: readonly BroadcastCopy[],
    statuses: readonly MessageStatus[],
    deliverAt: number | undefined,
  ): BroadcastReceipt {
    const recipients = copies.map(({ agentId, messageId: message_id, task }, index) => ({
      ...this.#standing(agentId),
      message_id,
      status: statuses[index] === 'queued' ? ('queued' as const) : ('offered' as const),
      ...(task && { task }),
    }));
    return {
      success: true,
      message_id: messageId,
      status: recipients.some(({ status }) => status === 'queued') ? 'queued' : 'offered',
      ...(deliverAt !== undefined && { deliver_at: timestampOf(deliverAt) }),
      recipients,
    };
  }

  /** The times that it got when it came first. @throws BusError MESSAGE_ID_CONFLICT where that was another message. */
  assertRepeat(sent: Envelope, entry: LedgerEntry): Timing {
    const known = envelopeOf(entry);
    if (known && isSameContent(known, sent)) return timingOf(known.routing, entry.acceptedAt);
    throw new BusError(
      'MESSAGE_ID_CONFLICT',
      `The message id ${entry.messageId} belongs to another message; choose a new one.`,
    );
  }

  #standing(agentId: string): ReceiptRecipient {
    return {
      agent_id: agentId,
      online: this.#agents.isOnline(agentId),
      queued: this.#mailboxes.stats(agentId).queued,
      last_seen_at: this.#agents.lastSeenAt(agentId),
    };
  }
}
