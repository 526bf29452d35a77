// Tells a repeated message from another one under the same id.
import type { CompleteEnvelope, Envelope } from '../../protocol/types.gen.ts';
import { equalJson } from '../json/equal.ts';
import { withoutBus } from './bus-metadata.ts';
import { completeEnvelope } from './envelope.ts';

/** Whether `sent` says what `known` said; what the sender left out counts as what the bus filled in the first time. */
export function isSameContent(known: CompleteEnvelope, sent: Envelope): boolean {
  const { message_id: messageId, timestamp, routing } = known;
  const { envelope } = completeEnvelope(sent, { messageId, timestamp, timeout: routing.timeout });
  return equalJson(withoutBus(known), withoutBus(envelope));
}
