// Tokens whose signature was good a moment ago: the next requests with them are as quick as with a key.
import type { Principal } from '../bus/identity.ts';
import type { Clock } from '../ports/clock.ts';

/** So long a token stays good after its issuer has withdrawn the key that signed it. */
const keptMs = 60_000;
const mostTokens = 10_000;

export class VerifiedTokens {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kept = new Map<string, { principal: Principal; until: number }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Makes room by forgetting the one that was kept longest. */
  keep(token: string, principal: Principal): void {
    const [oldest] = this.#kept.size < mostTokens ? [] : this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
    const until = Math.min(this.#clock.now() + keptMs, principal.expiresAt ?? Number.POSITIVE_INFINITY);
    this.#kept.set(token, { principal, until });
  }

  find(token: string): Principal | undefined {
    const entry = this.#kept.get(token);
    if (entry && entry.until > this.#clock.now()) return entry.principal;
    if (entry) this.#kept.delete(token);
    return undefined;
  }
}
