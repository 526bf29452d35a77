// A message as the bus hands it to a store, of which a test names what matters to it.
import type { NewMessage } from '../../src/ports/mailbox-store.ts';

/** Accepted now, unless `more` says when; it expires five minutes later. */
export function newMessage(messageId: string, more: Partial<NewMessage> = {}): NewMessage {
  const { acceptedAt = Date.now() } = more;
  return {
    messageId,
    mailbox: 'opencode://backend',
    priority: 'medium',
    acceptedAt,
    deadline: acceptedAt + 300_000,
    retry: { maxRetries: 3, backoff: 'linear' },
    facts: { sender: 'claude-code://orchestrator', messageType: 'status_update' },
    bytes: Buffer.from('{}'),
    ...more,
  };
}
