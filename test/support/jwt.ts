// JSON Web Tokens made by hand, right ones and wrong ones alike.
import { createHmac, createSign, type KeyObject, sign } from 'node:crypto';

export const issuer = 'https://issuer.test/';
export const audience = 'agent-bus';
export const jwtSecret = 'a-secret-of-32-characters-or-more';

const base64url = (value: unknown): string =>
  (typeof value === 'string' || Buffer.isBuffer(value)
    ? Buffer.from(value)
    : Buffer.from(JSON.stringify(value))
  ).toString('base64url');

/** Claims of a good token at `now` (milliseconds), and whatever is to be another way; `undefined` leaves a claim out. */
export function claimsAt(now: number, more: object = {}): object {
  const seconds = Math.floor(now / 1_000);
  const scope = 'send receive sessions';
  return { iss: issuer, aud: audience, iat: seconds, exp: seconds + 600, workspace_id: 'team-a', scope, ...more };
}

export type Sign = (input: string) => Buffer;

export const hmac =
  (secret: string | Buffer, algorithm = 'sha256'): Sign =>
  (input) =>
    createHmac(algorithm, secret).update(input).digest();

export const rs256 =
  (key: KeyObject): Sign =>
  (input) =>
    createSign('sha256').update(input).sign(key);

export const es256 =
  (key: KeyObject): Sign =>
  (input) =>
    createSign('sha256').update(input).sign({ key, dsaEncoding: 'ieee-p1363' });

export const eddsa =
  (key: KeyObject): Sign =>
  (input) =>
    sign(null, Buffer.from(input), key);

/** Header and claims as values, or as the text that is encoded. */
export function token(header: unknown, claims: unknown, signer: Sign): string {
  const input = `${base64url(header)}.${base64url(claims)}`;
  return `${input}.${base64url(signer(input))}`;
}

/** A good one, signed with `jwtSecret`. */
export function goodToken(now: number, more: object = {}): string {
  return token({ alg: 'HS256', typ: 'JWT' }, claimsAt(now, more), hmac(jwtSecret));
}
