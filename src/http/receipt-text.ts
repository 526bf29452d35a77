// The JSON of a receipt: one leaves with every message, and most are alike but for a few values.
import type { AnyReceipt } from '../protocol/types.gen.ts';

/** As JSON.stringify writes it, at a fraction of its cost for a receipt of which nothing special is said. */
export function receiptText(receipt: AnyReceipt): string {
  if ('recipients' in receipt || saysMore(receipt) || saysMore(receipt.recipient)) return JSON.stringify(receipt);
  const { message_id, status, recipient } = receipt;
  const { agent_id, online, queued, last_seen_at } = recipient;
  const seen = last_seen_at === null ? 'null' : `"${last_seen_at}"`;
  // The schemas let nothing into these that JSON would write otherwise.
  return `{"success":true,"message_id":"${message_id}","status":"${status}","recipient":{"agent_id":"${agent_id}","online":${online},"queued":${queued},"last_seen_at":${seen}}}`;
}

/** Of both objects four members are always there, whatever others come to be. */
function saysMore(object: object): boolean {
  let members = 0;
  for (const _ in object) members++;
  return members > 4;
}
