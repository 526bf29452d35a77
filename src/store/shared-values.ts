// One copy of what most messages have in common: a memory full of them is to hold it once.
import type { RetryRule } from '../core/delivery/backoff.ts';
import type { MessageFacts } from '../ports/mailbox-store.ts';

/** So many senders are known by their facts; then it begins anew. */
const mostSenders = 1_024;

export class SharedValues {
  readonly #retries = new Map<number, RetryRule>();
  /** By sender and message type. */
  readonly #facts = new Map<string, Map<string, MessageFacts>>();

  retry(rule: RetryRule): RetryRule {
    const key = rule.backoff === 'linear' ? rule.maxRetries : -1 - rule.maxRetries;
    return known(this.#retries, key, () => rule);
  }

  /** The same object for all that say no more than a sender and a type. */
  facts(facts: MessageFacts): MessageFacts {
    let fields = 0;
    for (const _ in facts) fields++;
    if (fields > 2) return facts;
    if (this.#facts.size >= mostSenders && !this.#facts.has(facts.sender)) this.#facts.clear();
    const ofSender = known(this.#facts, facts.sender, () => new Map<string, MessageFacts>());
    return known(ofSender, facts.messageType, () => facts);
  }
}

function known<K, V>(values: Map<K, V>, key: K, make: () => V): V {
  let value = values.get(key);
  if (value === undefined) {
    value = make();
    values.set(key, value);
  }
  return value;
}
