// Answers that depend on what is accepted.
import type { ServerResponse } from 'node:http';

/** Tells caches so, beside what the answer depends on anyway. */
export function varyByAccept(response: ServerResponse): void {
  const others = response.getHeader('vary');
  response.setHeader('vary', others === undefined ? 'accept' : `${others}, accept`);
}
