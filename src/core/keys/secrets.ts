// The secrets of one credential: the one in use, and those that it has replaced and that go on for a while.

export interface Secret {
  /** SHA-256, hex. */
  hash: string;
  /** Milliseconds since the epoch from which it is worth nothing; absent for one that nothing has replaced. */
  endsAt?: number;
}

/** More are never good at once: the oldest end first. */
const mostSecrets = 8;

/** Those that are good now, in their order. */
export function liveSecrets<T extends Secret>(secrets: readonly T[], now: number): T[] {
  return secrets.filter(({ endsAt }) => endsAt === undefined || endsAt > now);
}

/** `next` before those that are still good; what was in use ends after the overlap, what was to end before then does. */
export function replaceSecret<T extends Secret>(
  secrets: readonly T[],
  next: T,
  { overlapMs, now }: { overlapMs: number; now: number },
): T[] {
  const replaced = secrets.map((secret) => ({
    ...secret,
    endsAt: Math.min(secret.endsAt ?? Number.POSITIVE_INFINITY, now + overlapMs),
  }));
  return [next, ...liveSecrets(replaced, now)].slice(0, mostSecrets);
}
