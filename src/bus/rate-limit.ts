// How fast one key may ask: a bucket that fills at the limit and holds one second's worth.
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { Principal } from './identity.ts';

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  /** One for each key that was used; agents are few beside their messages. */
  readonly #buckets = new Map<string, Bucket>();

  /** `perSecond` 0 is no limit. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  /** @throws BusError RATE_LIMITED */
  take(principal: Principal): void {
    if (this.#perSecond === 0) return;
    const bucket = this.#bucketOf(principal.id);
    if (bucket.tokens < 1) {
      throw new BusError(
        'RATE_LIMITED',
        `This key may ask ${this.#perSecond} times a second; slow down and try again.`,
      );
    }
    bucket.tokens--;
  }

  #bucketOf(key: string): Bucket {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perSecond, filledAt: now };
    // A clock that steps back must not empty the bucket.
    const elapsedMs = Math.max(0, now - bucket.filledAt);
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + (elapsedMs * this.#perSecond) / 1_000);
    bucket.filledAt = now;
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
