// What the ledger may say of a message, given what is known of it from outside.
import type { LedgerMessage } from '../../src/protocol/types.gen.ts';
import { isSaid } from './content.ts';
import type { KnownMessage } from './known-message.ts';
import type { Model } from './model.ts';

export function checkLedger(
  model: Model,
  message: KnownMessage,
  entry: LedgerMessage | undefined,
  mayBeForgotten: boolean,
): void {
  const { id } = message;
  const violate = (invariant: string, text: string): void => model.violate(invariant, id, text);
  if (!entry) {
    if (message.accepted && !mayBeForgotten) violate('I1', 'was accepted, and the ledger does not know it');
    return;
  }
  if (!message.mayExist && !mayBeForgotten) violate('I5', 'is in the ledger, and every call was refused');
  const { envelope, status, attempts } = entry;
  if (!envelope || !message.candidates.some((sent) => isSaid(sent, envelope))) {
    if (!mayBeForgotten) violate('I5', 'is in the ledger with other content than was sent');
  }
  if (mayBeForgotten) return;
  if (message.ack === 'confirmed' && status !== 'acknowledged')
    violate('I3', `is ${status}, and its ack was confirmed`);
  if (status === 'acknowledged' && message.ack === 'none' && !message.mayBeClaimed) {
    violate('I1', 'is acknowledged, and nobody has acked it');
  }
  if (message.dead !== undefined && status !== 'dead') violate('I6', `is ${status}, and was dead (${message.dead})`);
  if (status === 'dead') checkDeath(message, entry, violate);
  for (const { agent_id: agent } of attempts) {
    if (!message.mayGoTo(agent)) violate('I5', `has an attempt at ${agent}, for whom it was not`);
  }
}

/** What an orchestrator brings about. */
const withTheSession = new Set(['task cancelled', 'participant left']);

/** Nothing dies without a reason that the outside can confirm. */
function checkDeath(
  message: KnownMessage,
  { reason = 'none', settled_at: settledAt, attempts }: LedgerMessage,
  violate: (invariant: string, text: string) => void,
): void {
  const retries = message.envelope?.routing?.retry_policy?.max_retries ?? 3;
  if (reason === 'expired') {
    const early = message.earliestDeadline - Date.parse(settledAt ?? '');
    if (early > 0) violate('I1', `is dead (expired), ${early} ms before its deadline`);
  } else if (reason.startsWith('retries used up')) {
    const failed = attempts.filter(({ outcome }) => outcome === 'nacked' || outcome === 'lease_expired').length;
    if (failed <= retries || message.seen.length <= retries) {
      violate('I1', `is dead (${reason}) after ${failed} failed attempts and ${message.seen.length} deliveries`);
    }
  } else if (reason.startsWith('given up')) {
    if (!message.givenUp) violate('I1', `is dead (${reason}), and nobody gave it up`);
  } else if (!withTheSession.has(reason) || !message.cancelled) {
    violate('I1', `is dead for no known reason: ${reason}`);
  }
}
