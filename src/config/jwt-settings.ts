// The settings of JSON Web Tokens: which of them belong together, and which address may hand out their keys.
import type { ErrorDetail } from '../protocol/errors.ts';
import type { Config } from '../protocol/types.gen.ts';
import { isLoopback } from './loopback.ts';

/** How tokens are verified. */
export interface JwtTrust {
  /** HS256 with a secret, or public keys of a set. */
  keys: { secret: string } | { jwksUrl: URL };
  issuer: string;
  audience: string;
}

type JwtConfig = Pick<Config, 'jwtSecret' | 'jwksUrl' | 'jwtIssuer' | 'jwtAudience'>;

/** `undefined` where no token is taken. */
export function jwtTrustOf({ jwtSecret, jwksUrl, jwtIssuer, jwtAudience }: JwtConfig): JwtTrust | undefined {
  if (jwtIssuer === undefined || jwtAudience === undefined) return undefined;
  const keys = jwtSecret === undefined ? jwksUrl && { jwksUrl: new URL(jwksUrl) } : { secret: jwtSecret };
  return keys ? { keys, issuer: jwtIssuer, audience: jwtAudience } : undefined;
}

/** Which of them cannot hold together. */
export function jwtContradictions({ jwtSecret, jwksUrl, jwtIssuer, jwtAudience }: JwtConfig): ErrorDetail[] {
  const given = [jwtSecret, jwksUrl, jwtIssuer, jwtAudience].filter((value) => value !== undefined);
  if (given.length === 0) return [];
  const faults: ErrorDetail[] = [];
  if ((jwtSecret === undefined) === (jwksUrl === undefined)) {
    faults.push({ path: '/jwtSecret', message: 'one of jwtSecret and jwksUrl must be set for tokens, not both' });
  }
  if (jwtIssuer === undefined) faults.push({ path: '/jwtIssuer', message: 'jwtIssuer must be set for tokens' });
  if (jwtAudience === undefined) faults.push({ path: '/jwtAudience', message: 'jwtAudience must be set for tokens' });
  if (jwksUrl !== undefined && !isTrustworthy(jwksUrl)) {
    faults.push({ path: '/jwksUrl', message: 'jwksUrl must be an https: URL, or an http: URL of this machine' });
  }
  return faults;
}

/** Whoever could change the answer could sign tokens. */
function isTrustworthy(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')));
}
