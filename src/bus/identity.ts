// Who is asking: turns a credential into a principal, in constant time for the bus key.
import { timingSafeEqual } from 'node:crypto';
import type { Grant } from '../core/keys/grant.ts';
import { BusError } from '../protocol/errors.ts';

/** Who is asking, and how far the credential reaches: the workspace, user or agent that it is for alone, if any. */
export interface Principal extends Grant {
  /** Names the credential in logs and limits; no secret. */
  readonly id: string;
  /** From then on it is worth nothing. Becomes earlier when the credential is replaced or revoked: look again. */
  readonly expiresAt?: number;
  /** A chat of the bus, which speaks under its own id. No credential makes such a principal. */
  readonly isChat?: true;
}

/** What the bus says of who sent a message. */
export function authenticatedSender({ agentId, id }: Principal): string {
  return agentId ?? id;
}

/** At once for all that the bus keeps itself. @throws BusError UNAUTHORIZED where the credential is missing or belongs to nobody. */
export type Authenticate = (credential: string | undefined) => Principal | Promise<Principal>;

/** One kind of credential; `undefined` where it is none of these. @throws BusError UNAUTHORIZED where it is no longer good. */
export type Authenticator = (credential: string) => Principal | Promise<Principal> | undefined;

interface AuthenticatorOptions {
  apiKey: string;
  /** Asked in this order, and only for what is not the bus key. */
  authenticators: readonly Authenticator[];
}

/** The holder of the bus key: everything, in all workspaces. */
export const operator: Principal = { id: 'bus' };

export function createAuthenticator({ apiKey, authenticators }: AuthenticatorOptions): Authenticate {
  // Compared are as many bytes as the key has and one more, whatever was sent: the time tells nothing about the key.
  // Digests would do that as well, for a microsecond of every request.
  const expected = Buffer.alloc(Buffer.byteLength(apiKey) + 1);
  const keyLength = expected.write(apiKey);
  const given = Buffer.alloc(expected.length);
  const isBusKey = (credential: string): boolean => {
    given.fill(0);
    const length = given.write(credential);
    return timingSafeEqual(given, expected) && length === keyLength;
  };
  return (credential) => {
    if (!credential) {
      throw new BusError(
        'UNAUTHORIZED',
        'A key is missing; send it as the header `x-agent-api-key` or as `Authorization: Bearer`.',
      );
    }
    if (isBusKey(credential)) return operator;
    for (const authenticator of authenticators) {
      const principal = authenticator(credential);
      if (principal) return principal;
    }
    throw new BusError(
      'UNAUTHORIZED',
      "The key is not valid; send the bus key, a workspace key that has not ended, or an agent's own token.",
    );
  };
}
