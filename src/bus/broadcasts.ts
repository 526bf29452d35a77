// Takes in what is addressed to a session: a copy for each participant, all of them or none.
import { assertBroadcast, audienceOf, type Broadcast, copyFor } from '../core/delivery/broadcast.ts';
import { contactRefused } from '../core/guards/contact.ts';
import type { BroadcastCopy, LedgerEntry, MailboxStore, NewMessage } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { NewId } from '../protocol/ids.ts';
import type { BroadcastReceipt, CompleteEnvelope, LedgerBroadcast, MessageStatus } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import type { Answers } from './answers.ts';
import type { Counters } from './counters.ts';
import { encode } from './encode.ts';
import type { Guards, MayWriteTo } from './guards.ts';
import { type Accepting, hopFact } from './incoming.ts';
import { broadcastView } from './ledger-view.ts';
import { countIn } from './rates.ts';
import type { Receipts } from './receipts.ts';
import type { ClaimedReply, Replies } from './replies.ts';
import type { SessionManager } from './session-manager.ts';

export interface BroadcastDeps {
  mailboxes: MailboxStore;
  sessions: SessionManager;
  agents: AgentDirectory;
  replies: Replies;
  answers: Answers;
  guards: Guards;
  receipts: Receipts;
  counters: Counters;
  newId: NewId;
}

/** A copy on its way in. */
interface Copy extends BroadcastCopy {
  envelope: CompleteEnvelope;
  bytes: Buffer;
  /** The request that it answers, and who waits for that answer. */
  request: string | undefined;
  waiting: ClaimedReply | undefined;
}

/** No agent has it: what lies there is settled from the start. */
const mark = '#broadcast';

export class Broadcasts {
  readonly #deps: BroadcastDeps;

  constructor(deps: BroadcastDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves when all copies are durable, and with them the record of the broadcast's id.
   * @throws BusError VALIDATION_FAILED, SESSION_NOT_FOUND, SESSION_ENDED, NOT_A_PARTICIPANT, AGENT_NOT_FOUND where nobody
   * else is there, CONTACT_REFUSED where none of them may be written to, HOP_LIMIT, PAIR_RATE_LIMITED,
   * SESSION_RATE_LIMITED, BUDGET_EXHAUSTED, MAILBOX_FULL, UNKNOWN_STEP, STEP_NOT_OPEN, MESSAGE_ID_CONFLICT; nobody gets a copy then.
   */
  async accept(accepting: Accepting): Promise<BroadcastReceipt> {
    const { envelope } = accepting;
    assertBroadcast(envelope);
    const { mailboxes } = this.#deps;
    if (mailboxes.knows(envelope.message_id)) {
      // A repeat gets its first receipt whoever has come or gone meanwhile.
      const known = await mailboxes.find(envelope.message_id);
      if (known) return this.#repeated(accepting, known);
    }
    const copies = this.#copiesOf(accepting, envelope);
    const enqueued = await this.#store(accepting, envelope, copies);
    if (enqueued.outcome === 'known') return this.#repeated(accepting, enqueued.entry);
    return this.#accepted(accepting, copies, enqueued.statuses);
  }

  /** Where the copies are. `undefined` for a message that is no broadcast. */
  async find(entry: LedgerEntry): Promise<LedgerBroadcast | undefined> {
    const { copies } = entry.facts;
    return copies && broadcastView(entry, copies, await this.#entriesOf(copies));
  }

  #copiesOf({ stamp, answered, userId }: Accepting, broadcast: Broadcast): Copy[] {
    const { mailboxes, guards, newId } = this.#deps;
    const mayWriteTo = guards.mayWriteTo(broadcast.sender.agent_id, answered);
    const agents = this.#audience(broadcast, userId, mayWriteTo);
    const copies = agents.map((agentId): Copy => {
      const messageId = newId('msg');
      const envelope = copyFor(broadcast, stamp.bus, agentId, messageId);
      return { agentId, messageId, envelope, bytes: encode(envelope), request: undefined, waiting: undefined };
    });
    for (const { agentId, bytes } of copies) mailboxes.assertRoom(agentId, bytes.length);
    return copies;
  }

  /** Agents of other users are not there, and who may not be written to is passed over. */
  #audience({ sender, recipient }: Broadcast, userId: string | undefined, mayWriteTo: MayWriteTo): string[] {
    const { sessions, agents } = this.#deps;
    const present = sessions.recipientsOf(recipient.session_id, sender.agent_id, recipient);
    const visible = userId === undefined ? present : present.filter((agentId) => agents.isKnown(agentId, userId));
    const writable = visible.filter(mayWriteTo);
    if (userId !== undefined) for (const agentId of writable) agents.claim(agentId, userId);
    if (writable.length > 0) return writable;
    if (visible.length > 0) throw contactRefused(sender.agent_id, `Whoever is ${audienceOf(recipient)}`);
    throw new BusError('AGENT_NOT_FOUND', `Nobody is there who is ${audienceOf(recipient)}; add a participant first.`);
  }

  /** In one turn, so that it is one commit. */
  async #store({ bytes, stamp, now, timing }: Accepting, broadcast: Broadcast, copies: Copy[]) {
    const { mailboxes, sessions, replies, answers, guards } = this.#deps;
    const { session_id } = broadcast.recipient;
    const messages = copies.map(({ envelope, agentId }) => ({
      envelope,
      recipient: agentId,
      deadline: timing.deadline,
      at: now,
    }));
    const agents = copies.map(({ agentId }) => agentId);
    const admission = guards.admit(broadcast, stamp.bus.hop, agents, now);
    const tasks = sessions.recordBroadcast(session_id, messages);
    countIn(admission);
    for (const [index, copy] of copies.entries()) {
      const task = tasks[index];
      if (task) copy.task = task;
      copy.request = answers.requestOf(copy.envelope, task);
      copy.waiting = replies.claim(copy.envelope, copy.request);
    }
    const { sender, message_type, priority, routing, message_id } = broadcast;
    const { max_retries: maxRetries, backoff } = routing.retry_policy;
    const shared = { priority, acceptedAt: now, ...timing, retry: { maxRetries, backoff } };
    const facts = { sender: sender.agent_id, messageType: message_type, sessionId: session_id, ...hopFact(stamp.bus) };
    const record: NewMessage = {
      ...shared,
      messageId: message_id,
      mailbox: sender.agent_id + mark,
      facts: { ...facts, copies: copies.map(copyRecord) },
      bytes,
    };
    const routedBy = `broadcast: ${audienceOf(broadcast.recipient)}`;
    const each = copies.map(
      (copy): NewMessage => ({
        ...shared,
        messageId: copy.messageId,
        mailbox: copy.waiting?.mailbox ?? copy.agentId,
        ...(copy.waiting && { lease: copy.waiting.lease }),
        facts: { ...facts, routedBy, broadcastId: message_id, ...(copy.task && { task: copy.task }) },
        bytes: copy.bytes,
      }),
    );
    let isTaken = false;
    try {
      const [enqueued] = await Promise.all([mailboxes.enqueueCopies(record, each), sessions.settled(session_id)]);
      isTaken = enqueued.outcome === 'stored';
      return enqueued;
    } finally {
      if (!isTaken) for (const { waiting } of copies) waiting?.release();
    }
  }

  async #accepted(
    { envelope, timing }: Accepting,
    copies: Copy[],
    statuses: MessageStatus[],
  ): Promise<BroadcastReceipt> {
    const { answers, counters, receipts } = this.#deps;
    counters.accepted += copies.length;
    for (const copy of copies) {
      await copy.waiting?.deliver(copy.envelope);
      if (copy.request !== undefined) void answers.settle(envelope.sender.agent_id, copy.request);
    }
    return receipts.broadcast(envelope.message_id, copies, statuses, timing.deliverAt);
  }

  async #repeated({ sent }: Accepting, known: LedgerEntry): Promise<BroadcastReceipt> {
    const { counters, receipts } = this.#deps;
    const { deliverAt } = receipts.assertRepeat(sent, known);
    const { copies = [] } = known.facts;
    const entries = await this.#entriesOf(copies);
    const statuses = entries.map((entry) => ((entry?.attempts.length ?? 1) > 0 ? 'offered' : 'queued'));
    counters.duplicates++;
    return { ...receipts.broadcast(known.messageId, copies, statuses, deliverAt), duplicate: true };
  }

  /** A copy that was forgotten since has no entry. */
  #entriesOf(copies: readonly BroadcastCopy[]): Promise<(LedgerEntry | undefined)[]> {
    return Promise.all(copies.map(({ messageId }) => this.#deps.mailboxes.find(messageId)));
  }
}

function copyRecord({ messageId, agentId, task }: Copy): BroadcastCopy {
  return { messageId, agentId, ...(task && { task }) };
}
