// Messages whose id is known already: a repeat gets its first receipt, and brings about nothing that is done.
import type { Route } from '../core/delivery/route.ts';
import type { LedgerEntry, MailboxStore } from '../ports/mailbox-store.ts';
import { BusError } from '../protocol/errors.ts';
import type { Envelope, Receipt } from '../protocol/types.gen.ts';
import type { Counters } from './counters.ts';
import { type Accepting, sessionMessageOf } from './incoming.ts';
import { envelopeOf } from './ledger-view.ts';
import type { Receipts } from './receipts.ts';
import type { SessionManager } from './session-manager.ts';

export interface RepeatDeps {
  mailboxes: MailboxStore;
  sessions: SessionManager;
  receipts: Receipts;
  counters: Counters;
}

export class Repeats {
  readonly #deps: RepeatDeps;

  constructor(deps: RepeatDeps) {
    this.#deps = deps;
  }

  /** @throws BusError MESSAGE_ID_CONFLICT where it was another message */
  receipt(sent: Envelope, known: LedgerEntry): Receipt {
    const receipt = this.#deps.receipts.repeated(sent, known);
    this.#deps.counters.duplicates++;
    return receipt;
  }

  /** Its recipient may have been removed meanwhile, or a guard lets nothing more through. @throws the refusal of a new one */
  async receiptOr(refusal: unknown, { sent, envelope }: Accepting): Promise<Receipt> {
    const known = await this.#deps.mailboxes.find(envelope.message_id);
    if (known) return this.receipt(sent, known);
    throw refusal;
  }

  /** A crash may have come between the message and its session's events: recording them again is the cure, or nothing. */
  async inSession({ sent, envelope }: Accepting, sessionId: string, known: LedgerEntry): Promise<Receipt> {
    const { sessions } = this.#deps;
    const receipt = this.receipt(sent, known);
    try {
      const route = routeOf(known, receipt.recipient.agent_id);
      sessions.recordMessage(sessionMessageOf(envelope, sessionId, route, known.deadline, known.acceptedAt));
      await sessions.settled(sessionId);
    } catch (error) {
      // The session has moved on since: the repeat changes nothing.
      if (!(error instanceof BusError) || error.code === 'STORE_FAILED') throw error;
    }
    return receipt;
  }
}

/** The way that it took. */
function routeOf(known: LedgerEntry, agentId: string): Route {
  const { routedBy, fallbacks = [] } = known.facts;
  const isDetour = envelopeOf(known)?.metadata?.bus?.addressed_to !== undefined;
  return isDetour && routedBy !== undefined
    ? { agentId, fallbacks, routedBy, isFallback: true }
    : { agentId, fallbacks };
}
