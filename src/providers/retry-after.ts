// When a provider wants to be asked again.

/** A provider that asks for more is not believed. */
const longestWaitMs = 86_400_000;

/** Milliseconds from `now`, out of `retry-after-ms` or `retry-after` (seconds or a date); undefined where neither is usable. */
export function retryAfterOf(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const exact = headers['retry-after-ms'];
  if (exact && /^\d+(\.\d+)?$/.test(exact)) return bounded(Number(exact));
  const text = headers['retry-after'];
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Number(text) * 1_000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : bounded(date - now);
}

function bounded(milliseconds: number): number {
  return Math.min(Math.max(0, Math.ceil(milliseconds)), longestWaitMs);
}
