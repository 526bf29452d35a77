// The fetch of all providers: a redirect is an answer, so that no request is sent twice and no key to another host.
import { BusError } from '../protocol/errors.ts';
import type { ReplyLimit } from './reply-limit.ts';

/** Rejects with PROVIDER_REFUSED where there is a web page in the place of an API. */
export function createFetch(provider: string, limit: ReplyLimit): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'manual' });
    if (response.ok && response.headers.get('content-type')?.startsWith('text/html')) {
      await response.body?.cancel();
      const words = 'answered with a web page, which no API of its kind does; check its base URL.';
      throw new BusError('PROVIDER_REFUSED', `The provider ${provider} ${words}`);
    }
    return limit.guard(response);
  };
}
