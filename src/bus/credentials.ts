// Whose secret is whose: keys and tokens by their hashes. The secrets themselves are kept nowhere.
import { hash, randomBytes } from 'node:crypto';
import { liveSecrets, type Secret } from '../core/keys/secrets.ts';
import type { Clock } from '../ports/clock.ts';
import type { Principal } from './identity.ts';

export class Credentials {
  readonly #clock: Pick<Clock, 'now'>;
  /** Looked up by hash: how long that takes says nothing about a secret that somebody guesses at. */
  readonly #principals = new Map<string, { -readonly [Key in keyof Principal]: Principal[Key] }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /**
   * The secrets of a holder are these from now on, in place of those `before`. What ends, ends also for those who have
   * shown it already; who has shown one that stays is the same principal as before.
   */
  set(holder: Principal, secrets: readonly Secret[], before: readonly Secret[] = []): void {
    const live = liveSecrets(secrets, this.#clock.now());
    for (const { hash } of before) if (!live.some((secret) => secret.hash === hash)) this.#end(hash);
    for (const { hash, endsAt = Number.POSITIVE_INFINITY } of live) {
      const principal = this.#principals.get(hash) ?? { ...holder };
      const expiresAt = Math.min(principal.expiresAt ?? Number.POSITIVE_INFINITY, endsAt);
      if (expiresAt !== Number.POSITIVE_INFINITY) principal.expiresAt = expiresAt;
      this.#principals.set(hash, principal);
    }
  }

  /** The same one each time. */
  find(secret: string): Principal | undefined {
    const principal = this.#principals.get(hashOf(secret));
    return principal && isOver(principal, this.#clock.now()) ? undefined : principal;
  }

  #end(secretHash: string): void {
    const principal = this.#principals.get(secretHash);
    if (principal) principal.expiresAt = 0;
    this.#principals.delete(secretHash);
  }
}

export function isOver({ expiresAt }: Principal, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

/** 192 random bits behind a prefix that says what it is. */
export function newSecret(prefix: 'abw' | 'abt'): { secret: string; hash: string; hint: string } {
  const secret = `${prefix}_${randomBytes(24).toString('base64url')}`;
  return { secret, hash: hashOf(secret), hint: secret.slice(0, 8) };
}

/** SHA-256, hex: of what is random, a slow hash would protect nothing more. */
function hashOf(secret: string): string {
  return hash('sha256', secret, 'hex');
}
