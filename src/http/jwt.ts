// JSON Web Tokens of an issuer that the configuration names: who they say is asking, once their signature is good.
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Principal } from '../bus/identity.ts';
import type { JwtTrust } from '../config/jwt-settings.ts';
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { JwtClaims, Scope } from '../protocol/types.gen.ts';
import { validatorOf } from '../schema/registry.ts';
import { isWellFormedToken, looksLikeToken } from './jwt-shape.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** `undefined` for what is no token. @throws BusError UNAUTHORIZED, ISSUER_UNAVAILABLE, at once or later */
export type JwtAuthenticator = (credential: string) => Principal | Promise<Principal> | undefined;

/** Seconds that the clocks of issuer and bus may differ. */
const clockTolerance = 3;
/** Of public keys; `none` and secrets are not among them, whatever a token says. */
const publicKeyAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const fetchLimits = { timeoutDuration: 5_000, cooldownDuration: 30_000, cacheMaxAge: 600_000 };
const scopes: readonly string[] = ['send', 'receive', 'sessions', 'admin'] satisfies Scope[];

const isClaims = validatorOf<JwtClaims>('JwtClaims');

export function createJwtAuthenticator(trust: JwtTrust, clock: Pick<Clock, 'now'>): JwtAuthenticator {
  const { keys, issuer, audience } = trust;
  const isShared = 'secret' in keys;
  const key: JWTVerifyGetKey = isShared ? sharedKey(keys.secret) : createRemoteJWKSet(keys.jwksUrl, fetchLimits);
  const algorithms = isShared ? ['HS256'] : publicKeyAlgorithms;
  const verified = new VerifiedTokens(clock);

  const verify = async (token: string): Promise<Principal> => {
    if (!isWellFormedToken(token)) throw refusal('it is not well formed');
    try {
      const { payload } = await jwtVerify(token, key, {
        ...{ algorithms, issuer, audience, clockTolerance },
        requiredClaims: ['exp', 'iss', 'aud'],
        currentDate: new Date(clock.now()),
      });
      const principal = principalOf(payload);
      verified.keep(token, principal);
      return principal;
    } catch (error) {
      throw error instanceof BusError ? error : translate(error);
    }
  };

  return (credential) => {
    if (!looksLikeToken(credential)) return undefined;
    return verified.find(credential) ?? verify(credential);
  };
}

function sharedKey(secret: string): JWTVerifyGetKey {
  const bytes = new TextEncoder().encode(secret);
  return async () => bytes;
}

/** @throws BusError UNAUTHORIZED where a claim is missing or of the wrong kind */
function principalOf(payload: object): Principal {
  if (!isClaims(payload))
    throw refusal('it needs the claims workspace_id and scope, and user_id and agent_id are texts');
  const { workspace_id: workspaceId, user_id: userId, agent_id: agentId, scope, exp } = payload;
  return {
    // Of one user all tokens are one asker, so that a new one is no new start.
    id: `jwt:${workspaceId}|${agentId ?? ''}|${userId ?? ''}`,
    workspaceId,
    ...(userId !== undefined && { userId }),
    ...(agentId !== undefined && { agentId }),
    scopes: scope.split(' ').filter((name): name is Scope => scopes.includes(name)),
    expiresAt: (exp + clockTolerance) * 1_000,
  };
}

function translate(error: unknown): BusError {
  if (error instanceof errors.JWTExpired) return refusal('it has expired; get a new one', error);
  if (error instanceof errors.JWTClaimValidationFailed)
    return refusal(`its claim ${error.claim} is not as it must be`, error);
  const { JWKSTimeout, JWKSInvalid, JOSEError } = errors;
  // The generic one stands for an answer of the issuer that is no set of keys.
  const isIssuers = error instanceof JWKSTimeout || error instanceof JWKSInvalid || hasCode(error, 'ERR_JOSE_GENERIC');
  if (error instanceof JOSEError && !isIssuers) return refusal('no key of its issuer has signed it', error);
  return new BusError(
    'ISSUER_UNAVAILABLE',
    'The keys of the token issuer cannot be fetched right now; try again later.',
    {
      cause: error,
    },
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function refusal(why: string, cause?: unknown): BusError {
  return new BusError('UNAUTHORIZED', `The token is not valid: ${why}.`, { cause });
}
