// The JSON of a change: each message is offered and acked, and of these two it is written here.
import type { Consumer } from '../ports/mailbox-store.ts';
import type { Change } from './entry-record.ts';

/** Names that JSON writes as they are. */
const plain = /^[\w.:|@+/-]+$/;

/** As JSON.stringify writes it, at a fraction of its cost where names are as the schemas let them in. */
export function changeText(change: Change): string {
  const isOffer = change.type === 'offered';
  if (!isOffer && change.type !== 'acked') return JSON.stringify(change);
  if (!change.ids.every(isPlain) || (isOffer && !isPlainConsumer(change.by))) return JSON.stringify(change);
  const head = `{"type":"${change.type}","ids":["${change.ids.join('","')}"],"at":${change.at}`;
  if (!isOffer) return `${head}}`;
  const { agentId, door, connectionId } = change.by;
  return `${head},"until":${change.until},"by":{"agentId":"${agentId}","door":"${door}","connectionId":"${connectionId}"}}`;
}

function isPlain(name: string): boolean {
  return plain.test(name);
}

function isPlainConsumer({ agentId, connectionId }: Consumer): boolean {
  return plain.test(agentId) && plain.test(connectionId);
}
