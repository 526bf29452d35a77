// What is still to come of a message: the question that is asked when its time is up.
import type { MailboxStore } from '../ports/mailbox-store.ts';

/** How long to wait before the question is asked again, in milliseconds. */
export const askAgainMs = 250;

/**
 * Whether delivery may still hand the message on to a fallback: it is not settled, and a fallback has not been tried.
 * What cannot be read goes nowhere.
 */
export async function mayGoOn(mailboxes: MailboxStore, messageId: string): Promise<boolean> {
  const entry = await mailboxes.find(messageId).catch(() => undefined);
  if (!entry || entry.status === 'acknowledged' || entry.status === 'dead') return false;
  return (entry.facts.fallbacks ?? []).length > 0;
}
