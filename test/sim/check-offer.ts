// What must hold of every single delivery: who gets it, what it says, when, and never after its end.
import { busAgentId } from '../../src/protocol/ids.ts';
import type { CompleteEnvelope } from '../../src/protocol/types.gen.ts';
import { withoutStamp } from '../support/stamp.mjs';
import { isSaid } from './content.ts';
import type { KnownMessage, Seen } from './known-message.ts';
import type { Model } from './model.ts';

export function checkOffer(
  model: Model,
  message: KnownMessage,
  seen: Seen,
  bytes: Buffer,
  envelope: CompleteEnvelope,
): void {
  const { id } = message;
  const { agent, takenAt } = seen;
  const violate = (invariant: string, text: string): void => model.violate(invariant, id, text);
  const isAddressed = envelope.recipient.agent_id === agent;
  if (message.ack === 'confirmed') violate('I3', 'was delivered after its ack was confirmed');
  if (message.dead !== undefined) violate('I3', `was delivered after its death (${message.dead})`);

  if (!message.mayGoTo(agent)) violate('I5', `was delivered to ${agent}, for whom it was not`);
  if (envelope.message_id !== id) violate('I5', `was delivered with the envelope of ${envelope.message_id}`);
  const said = message.candidates.filter((sent) => isSaid(sent, envelope));
  if (said.length === 0) violate('I5', 'was delivered with other content than was sent');
  else if (isAddressed && said.every(({ raw }) => raw !== undefined && String(raw) !== withoutStamp(String(bytes)))) {
    violate('I5', 'was delivered with other bytes');
  }

  const { lease } = message;
  if (lease && takenAt < lease.leaseEndsAt) {
    violate('I2', `was offered to ${seen.connection} while ${lease.connection} held it`);
  }
  // A fallback gets the detour told in the metadata, and as much time again as the addressed one had.
  if (isAddressed && takenAt >= message.latestDeadline) violate('I1', 'was delivered after its deadline');
  // Sent again, or sent anew under an id that was free again, it need not wait as long.
  const isFirstLife = message.redrives.length === 0 && message.lives === 0;
  if (isFirstLife && takenAt < message.earliestOffer) violate('I1', 'was offered before the time it was postponed to');
  const { notBefore } = message;
  if (notBefore?.agent === agent && takenAt < notBefore.at)
    violate('I1', `was offered ${notBefore.at - takenAt} ms too soon`);
  const retries = (message.stored ?? message.sends[0])?.envelope.routing?.retry_policy?.max_retries ?? 3;
  if ((message.nacks.get(agent) ?? 0) > retries) violate('I1', `was offered once more than ${retries} retries allow`);
  checkAttempt(message, seen, violate);
  if (envelope.sender.agent_id === busAgentId && !message.isNotice)
    violate('I5', 'was delivered as a notice of the bus');
}

function checkAttempt(
  { seen: earlier }: KnownMessage,
  { attempt }: Seen,
  violate: (invariant: string, text: string) => void,
): void {
  const before = earlier.at(-1);
  if (!before || attempt > before.attempt) return;
  violate('I4', `came as attempt ${attempt} after attempt ${before.attempt}`);
}
