// Who is asking: turns a credential into a principal, in constant time for the bus key.
import { hash, timingSafeEqual } from 'node:crypto';
import { BusError } from '../protocol/errors.ts';

/** The bus key speaks for every agent; an agent's token only for that agent. */
export type Principal = { readonly kind: 'bus' } | { readonly kind: 'agent'; readonly agentId: string };

/** @throws BusError UNAUTHORIZED where the credential is missing or belongs to nobody. */
export type Authenticate = (credential: string | undefined) => Principal;

interface AuthenticatorOptions {
  apiKey: string;
  /** The agent whose own token this is. Called only for what is not the bus key. */
  agentOfToken(token: string): string | undefined;
}

const busPrincipal: Principal = { kind: 'bus' };

/** Digests have one length whatever was sent, so that comparing them tells nothing about the key. */
const digest = (text: string): string => hash('sha256', text, 'hex');

export function createAuthenticator({ apiKey, agentOfToken }: AuthenticatorOptions): Authenticate {
  const expected = Buffer.from(digest(apiKey));
  // One buffer for every call: a new one would cost more than the hash.
  const given = Buffer.alloc(expected.length);
  return (credential) => {
    if (!credential) {
      throw new BusError(
        'UNAUTHORIZED',
        'A key is missing; send it as the header `x-agent-api-key` or as `Authorization: Bearer`.',
      );
    }
    given.write(digest(credential), 'latin1');
    if (timingSafeEqual(given, expected)) return busPrincipal;
    const agentId = agentOfToken(credential);
    if (agentId === undefined) {
      throw new BusError('UNAUTHORIZED', "The key is not valid; send the bus key or an agent's own token.");
    }
    return { kind: 'agent', agentId };
  };
}
