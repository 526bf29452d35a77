// What is kept of a message beside its bytes: of most, who sent it and its type, and no more.
import type { MessageFacts } from '../ports/mailbox-store.ts';

/** Whether there is anything beside the two. */
export function sayMore(facts: MessageFacts): boolean {
  let members = 0;
  for (const _ in facts) members++;
  return members > 2;
}
