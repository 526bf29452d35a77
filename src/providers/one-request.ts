// The fetch of all providers: a redirect is an answer, so that no request is sent twice and no key to another host.
import type { ReplyLimit } from './reply-limit.ts';

export function createFetch(limit: ReplyLimit): typeof fetch {
  return async (input, init) => limit.guard(await fetch(input, { ...init, redirect: 'manual' }));
}
