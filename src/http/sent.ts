// What is told of an envelope that was refused. Not the envelope itself, which may wait for hours.
import type { Envelope } from '../protocol/types.gen.ts';

export type Sent = Pick<Envelope, 'message_id' | 'sender'>;

export function sentOf(messageId: Envelope['message_id'], sender: Envelope['sender']): Sent {
  return messageId === undefined ? { sender } : { message_id: messageId, sender };
}
