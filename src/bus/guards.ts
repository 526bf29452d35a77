// The guards on the way in: contact policies, the length of chains, and the rates of pairs and sessions.
import { type AnsweredMessage, mayWrite } from '../core/guards/contact.ts';
import { guardOf } from '../core/guards/guard.ts';
import { assertHop } from '../core/guards/hops.ts';
import type { Glimpse, MailboxStore } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { CompleteEnvelope, Envelope, MessageId, Recipient, Sender } from '../protocol/types.gen.ts';
import type { AgentDirectory } from './agents.ts';
import type { Counters } from './counters.ts';
import type { Participation } from './participation.ts';
import type { Admission, Admit } from './rates.ts';
import type { SessionManager } from './session-manager.ts';

/** Whether an agent may be written to by the sender of one envelope. */
export type MayWriteTo = (agentId: string) => boolean;

export interface GuardDeps {
  mailboxes: MailboxStore;
  agents: AgentDirectory;
  participation: Participation;
  admit: Admit;
  counters: Counters;
  /** Longest chain of replies; 0 is no limit. */
  maxHops: number;
  /** Tells of each refusal. */
  sessions: SessionManager;
}

/** What is told of an envelope that was refused. */
interface Refused {
  message_id: MessageId | undefined;
  sender: Sender;
  recipient: Recipient;
}

const toEverybody: MayWriteTo = () => true;

export class Guards {
  readonly #deps: GuardDeps;

  constructor(deps: GuardDeps) {
    this.#deps = deps;
  }

  /** What this one answers. Messages between others are like none: not even that there is one can be guessed. */
  answered({ metadata, sender, recipient }: Envelope): Glimpse | undefined {
    const id = metadata?.in_reply_to;
    const answered = id === undefined ? undefined : this.#deps.mailboxes.glimpse(id);
    if (!answered) return undefined;
    const { sender: asker, recipients } = answeredMessage(answered);
    const isTheirs = asker === sender.agent_id || asker === recipient.agent_id || recipients.includes(sender.agent_id);
    return isTheirs ? answered : undefined;
  }

  /** Whom the sender may write to; `answered` is what it answers. */
  mayWriteTo(sender: string, answered?: Glimpse): MayWriteTo {
    const { agents, participation } = this.#deps;
    if (!agents.hasContactPolicies) return toEverybody;
    return (recipient) =>
      mayWrite(agents.contactOf(recipient), {
        sender,
        recipient,
        answered: answered && answeredMessage(answered),
        shareSession: () => participation.shareSession(sender, recipient),
      });
  }

  /** @throws BusError HOP_LIMIT, PAIR_RATE_LIMITED, SESSION_RATE_LIMITED; nothing has been counted then */
  admit({ sender }: CompleteEnvelope, hop: number, recipients: readonly string[], now: number): Admission {
    assertHop(hop, this.#deps.maxHops);
    return this.#deps.admit(sender, recipients, now);
  }

  /** Counts and tells of a refusal, where it is that of a guard. */
  refused(error: unknown, { message_id, sender, recipient }: Refused, at: number): void {
    const guard = error instanceof BusError ? guardOf(error.code) : undefined;
    if (!guard || !(error instanceof BusError)) return;
    const { counters, sessions } = this.#deps;
    counters.guardTrips[guard]++;
    const session_id = sender.session_id ?? recipient.session_id;
    sessions.emitGuardTripped({
      guard,
      code: error.code,
      error: error.message,
      at: new Date(at).toISOString(),
      sender: sender.agent_id,
      recipient,
      ...(message_id !== undefined && { message_id }),
      ...(session_id !== undefined && { sessionId: session_id, session_id }),
    });
  }
}

/** Whoever was given it may answer, also one who has passed it on since. */
function answeredMessage({ mailbox, facts, offeredTo }: Glimpse): AnsweredMessage {
  const recipients = facts.copies ? facts.copies.map(({ agentId }) => agentId) : [mailbox, ...offeredTo];
  return { sender: facts.sender, recipients };
}
