// One copy of what most messages have in common: a memory full of them is to hold it once.
import type { RetryRule } from '../core/delivery/backoff.ts';
import type { MessageFacts } from '../ports/mailbox-store.ts';
import { sayMore } from './facts.ts';

/** So many senders are known by their facts; then it begins anew. */
const mostSenders = 1_024;

export class SharedValues {
  readonly #retries = new Map<number, RetryRule>();
  /** By sender and message type. */
  readonly #facts = new Map<string, Map<string, MessageFacts>>();

  retry(rule: RetryRule): RetryRule {
    const key = rule.backoff === 'linear' ? rule.maxRetries : -1 - rule.maxRetries;
    const known = this.#retries.get(key);
    if (!known) this.#retries.set(key, rule);
    return known ?? rule;
  }

  /** The same object for all that say no more than a sender and a type. */
  facts(facts: MessageFacts): MessageFacts {
    if (sayMore(facts)) return facts;
    const { sender, messageType } = facts;
    const ofSender = this.#facts.get(sender) ?? this.#begin(sender);
    const known = ofSender.get(messageType);
    if (!known) ofSender.set(messageType, facts);
    return known ?? facts;
  }

  #begin(sender: string): Map<string, MessageFacts> {
    if (this.#facts.size >= mostSenders) this.#facts.clear();
    const ofSender = new Map<string, MessageFacts>();
    this.#facts.set(sender, ofSender);
    return ofSender;
  }
}
