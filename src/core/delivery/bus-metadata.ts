// `metadata.bus`: what the bus, and nobody else, says in an envelope of its sender and of the way that it took.
import type { BusMetadata, BusStamp, CompleteEnvelope } from '../../protocol/types.gen.ts';

export function withBus(envelope: CompleteEnvelope, bus: BusMetadata): CompleteEnvelope {
  return { ...envelope, metadata: { ...envelope.metadata, bus } };
}

/** The stamp of an envelope for a fallback. Whatever way it took before, it was addressed as the sender addressed it. */
export function detourOf({ recipient }: CompleteEnvelope, stamp: BusStamp, routedBy: string): BusMetadata {
  return { ...stamp, addressed_to: recipient.agent_id ?? recipient, routed_by: routedBy };
}

/** What the sender said: without what the bus has added, and without metadata that says nothing. */
export function withoutBus({ metadata = {}, ...envelope }: CompleteEnvelope): CompleteEnvelope {
  const { bus: _, ...own } = metadata;
  return Object.keys(own).length === 0 ? envelope : { ...envelope, metadata: own };
}
