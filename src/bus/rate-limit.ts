// How fast one key may ask: a bucket that fills at the limit and holds one second's worth.
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { Principal } from './identity.ts';

/** A bucket that nobody has taken from for so long is full. */
const fillMs = 1_000;
/** Full buckets are dropped no more often than this. */
const dropEveryMs = 60_000;

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  /** One for each key that was used lately; agents are few beside their messages. */
  readonly #buckets = new Map<string, Bucket>();
  #droppedAt: number;

  /** `perSecond` 0 is no limit. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#droppedAt = clock.now();
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size;
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
    if (Math.abs(now - this.#droppedAt) >= dropEveryMs) this.#dropFull(now);
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perSecond, filledAt: now };
    // A clock that steps back must not empty the bucket.
    const elapsedMs = Math.max(0, now - bucket.filledAt);
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + (elapsedMs * this.#perSecond) / 1_000);
    bucket.filledAt = now;
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #dropFull(now: number): void {
    this.#droppedAt = now;
    for (const [key, { filledAt }] of this.#buckets) if (now - filledAt >= fillMs) this.#buckets.delete(key);
  }
}
