import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createJwtAuthenticator, type JwtAuthenticator } from '../../src/http/jwt.ts';
import {
  audience,
  claimsAt,
  eddsa,
  es256,
  goodToken,
  hmac,
  issuer,
  jwtSecret,
  rs256,
  type Sign,
  token,
} from '../support/jwt.ts';
import { ManualClock } from '../support/manual-clock.ts';

const clock = new ManualClock();
const now = clock.now();
const seconds = Math.floor(now / 1_000);
const header = { alg: 'HS256', typ: 'JWT' };
const shared = hmac(jwtSecret);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const foreignRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const nothing: Sign = () => Buffer.alloc(0);

const withSecret = () => createJwtAuthenticator({ keys: { secret: jwtSecret }, issuer, audience }, clock);
const jwkOf = (key: KeyObject, more: object) => ({ ...key.export({ format: 'jwk' }), ...more });
const keySet = {
  keys: [
    jwkOf(rsa.publicKey, { kid: 'rsa', alg: 'RS256', use: 'sig' }),
    jwkOf(ec.publicKey, { kid: 'ec' }),
    jwkOf(ed.publicKey, { kid: 'ed' }),
    { kty: 'oct', kid: 'shared', k: Buffer.from(jwtSecret).toString('base64url') },
  ],
};

/** An issuer that answers with its keys, and counts how often it was asked. */
async function issuerWith(listener: RequestListener): Promise<{ authenticate: JwtAuthenticator; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const jwksUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`);
  return { authenticate: createJwtAuthenticator({ keys: { jwksUrl }, issuer, audience }, clock), asked: () => asked };
}

const answer =
  (body: unknown, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const signed = (claims: object, more: object = {}) => token({ ...header, ...more }, claimsAt(now, claims), shared);
const cut = (part: number, change: (text: string) => string) => {
  const parts = goodToken(now).split('.');
  parts[part] = change(parts[part] ?? '');
  return parts.join('.');
};
const encoded = (text: string) => Buffer.from(text).toString('base64url');
const raw = (claims: string) => token(header, claims, shared);
const claimsText = JSON.stringify(claimsAt(now)).slice(1);

/** What each is, and the token; none of them is taken. */
const hostile: [string, string][] = [
  ['alg none, not signed', token({ alg: 'none' }, claimsAt(now), nothing)],
  ['alg none, with a signature', token({ alg: 'none' }, claimsAt(now), shared)],
  ['alg None', token({ alg: 'None' }, claimsAt(now), shared)],
  ['alg nONE', token({ alg: 'nONE' }, claimsAt(now), shared)],
  ['no alg', token({ typ: 'JWT' }, claimsAt(now), shared)],
  ['alg empty', token({ alg: '' }, claimsAt(now), shared)],
  ['alg a list', token({ alg: ['HS256'] }, claimsAt(now), shared)],
  ['alg null', token({ alg: null }, claimsAt(now), shared)],
  ['alg in small letters', token({ alg: 'hs256' }, claimsAt(now), shared)],
  ['a longer HMAC than is configured', token({ alg: 'HS512' }, claimsAt(now), hmac(jwtSecret, 'sha512'))],
  [
    'a public key algorithm where a secret is configured',
    token({ alg: 'RS256' }, claimsAt(now), rs256(rsa.privateKey)),
  ],
  ['another secret', token(header, claimsAt(now), hmac('another-secret-of-32-characters!!'))],
  ['an empty secret', token(header, claimsAt(now), hmac(''))],
  ['a secret of zero bytes', token(header, claimsAt(now), hmac(Buffer.alloc(32)))],
  ['the signature stripped', `${goodToken(now).split('.').slice(0, 2).join('.')}.`],
  ['the signature and its dot stripped', goodToken(now).split('.').slice(0, 2).join('.')],
  ['the signature cut short', cut(2, (text) => text.slice(0, 20))],
  ['the signature longer', cut(2, (text) => `${text}AAAA`)],
  ['the signature of zeros', cut(2, () => Buffer.alloc(32).toString('base64url'))],
  ['the signature of another token', cut(2, () => goodToken(now, { workspace_id: 'b' }).split('.')[2] ?? '')],
  ['other bits left over in the signature', cut(2, (text) => `${text.slice(0, -1)}${nextLetter(text)}`)],
  ['claims changed after it was signed', cut(1, () => encoded(JSON.stringify(claimsAt(now, { workspace_id: 'b' }))))],
  ['an empty header', cut(0, () => '')],
  ['empty claims', cut(1, () => '')],
  ['nothing but dots', '..'],
  ['a fourth part', `${goodToken(now)}.AAAA`],
  ['five parts, as if it were encrypted', `${goodToken(now)}.AAAA.AAAA`],
  ['white space around it', ` ${goodToken(now)} `],
  ['white space in it', cut(1, (text) => `${text.slice(0, 8)} ${text.slice(8)}`)],
  ['a line break in it', cut(1, (text) => `${text.slice(0, 8)}\n${text.slice(8)}`)],
  ['padding', cut(2, (text) => `${text}=`)],
  ['base64 that is not for URLs', cut(2, (text) => `+/${text.slice(2)}`)],
  ['a header that is no JSON', cut(0, () => encoded('{"alg":"HS256"'))],
  ['a header that is a list', token([{ alg: 'HS256' }], claimsAt(now), shared)],
  ['claims that are no JSON', raw(`{${claimsText.slice(0, -1)}`)],
  ['claims that are a list', raw(`[{${claimsText}]`)],
  ['claims that are null', raw('null')],
  ['claims that are not UTF-8', token(header, Buffer.from([0x7b, 0xff, 0x7d]), shared)],
  ['claims behind a byte order mark', raw(`\ufeff{${claimsText}`)],
  ['a claim twice', raw(`{"workspace_id":"b",${claimsText}`)],
  ['a claim twice, once with an escape', raw(`{"workspace\\u005fid":"b",${claimsText}`)],
  ['the time of its end twice', raw(`{"exp":99999999999,${claimsText}`)],
  ['a header with alg twice', token('{"alg":"none","alg":"HS256"}', claimsAt(now), shared)],
  ['expired', signed({ exp: seconds - 4 })],
  ['expired long ago', signed({ exp: 1 })],
  ['expired in milliseconds of another epoch', signed({ exp: -1 })],
  ['no exp', signed({ exp: undefined })],
  ['exp a text', signed({ exp: '99999999999' })],
  ['exp null', signed({ exp: null })],
  ['exp without end', raw(`{"exp":1e999,${claimsText.replace(/"exp":\d+,/, '')}`)],
  ['exp beyond all times', signed({ exp: 1e300 })],
  ['not valid yet', signed({ nbf: seconds + 60 })],
  ['nbf a text', signed({ nbf: '0' })],
  ['no issuer', signed({ iss: undefined })],
  ['another issuer', signed({ iss: 'https://issuer.test' })],
  ['a list with the issuer', signed({ iss: [issuer] })],
  ['no audience', signed({ aud: undefined })],
  ['another audience', signed({ aud: 'agent-bus-2' })],
  ['a list of other audiences', signed({ aud: ['other', 'agent'] })],
  ['an empty list of audiences', signed({ aud: [] })],
  ['an object as audience', signed({ aud: { 0: audience } })],
  ['no workspace', signed({ workspace_id: undefined })],
  ['a workspace that is a list', signed({ workspace_id: ['team-a'] })],
  ['a workspace that is a number', signed({ workspace_id: 1 })],
  ['an empty workspace', signed({ workspace_id: '' })],
  ['a workspace with a separator', signed({ workspace_id: 'team-a|x' })],
  ['a workspace of a path', signed({ workspace_id: '../default' })],
  ['an empty user', signed({ user_id: '' })],
  ['a user that is null', signed({ user_id: null })],
  ['a user that is a number', signed({ user_id: 7 })],
  ['a user with a control character', signed({ user_id: 'u\u0000' })],
  ['an agent that is no agent id', signed({ agent_id: 'backend' })],
  ['an agent that is an object', signed({ agent_id: { agent_id: 'a://b' } })],
  ['no scope', signed({ scope: undefined })],
  ['scopes as a list', signed({ scope: ['send', 'admin'] })],
  ['a key inside of it', signed({}, { jwk: jwkOf(rsa.publicKey, {}) })],
  ['the address of a key', signed({}, { jku: 'https://evil.test/keys' })],
  ['the address of a certificate', signed({}, { x5u: 'https://evil.test/cert' })],
  ['a certificate inside of it', signed({}, { x5c: ['MIIB'] })],
  ['an extension that must be understood', signed({}, { crit: ['exp'], exp: 1 })],
  ['an empty list of such extensions', signed({}, { crit: [] })],
  ['a payload that is not encoded', signed({}, { b64: false, crit: ['b64'] })],
  ['a compressed payload', signed({}, { zip: 'DEF' })],
  ['a header that nobody knows', signed({}, { admin: true })],
  ['another type', signed({}, { typ: 'secevent+jwt' })],
  ['a type that is a number', signed({}, { typ: 1 })],
  ['a key id that is an object', signed({}, { kid: {} })],
  ['a key id without end', signed({}, { kid: '../'.repeat(100) })],
  ['a token without end', signed({ filling: 'x'.repeat(10_000) })],
];

/** The last letter with other bits that do not count. */
function nextLetter(text: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return letters[letters.indexOf(text.at(-1) ?? '') + 1] ?? '';
}

/** UNAUTHORIZED, or no token at all and then nobody's key. */
async function expectRefused(authenticate: JwtAuthenticator, credential: string): Promise<void> {
  const principal = authenticate(credential);
  if (principal === undefined) return;
  await expect(principal).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  // Nor the second time, with what the first has left behind.
  await expect(authenticate(credential)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
}

describe('a token signed with the secret', () => {
  it('says who is asking, and until when', async () => {
    const credential = goodToken(now, { user_id: 'developer-123', agent_id: 'codex://qa', scope: 'openid send admin' });
    expect(await withSecret()(credential)).toEqual({
      id: 'jwt:team-a|codex://qa|developer-123',
      workspaceId: 'team-a',
      userId: 'developer-123',
      agentId: 'codex://qa',
      scopes: ['send', 'admin'],
      expiresAt: (seconds + 603) * 1_000,
    });
  });

  it.each([
    ['a list of audiences', { aud: ['other', audience] }, {}],
    ['a clock three seconds ahead', { exp: seconds - 2, nbf: seconds + 2 }, {}],
    ['claims of others', { sub: 'x', roles: ['a'], nested: { a: { b: 1 } } }, {}],
    ['a key id and a thumbprint', {}, { kid: 'any', x5t: 'abc' }],
    ['the type of an access token', {}, { typ: 'at+jwt' }],
    ['no type', {}, { typ: undefined }],
  ])('may have %s', async (_what, claims, more) => {
    expect(await withSecret()(signed(claims, more))).toMatchObject({ workspaceId: 'team-a' });
  });

  it('is refused when it is hostile, in at least forty ways', () => expect(hostile.length).toBeGreaterThanOrEqual(40));

  it.each(hostile)('is refused: %s', async (_what, credential) => {
    await expectRefused(withSecret(), credential);
  });

  it('is known at once the next time, until it expires', async () => {
    const own = new ManualClock();
    const authenticate = createJwtAuthenticator({ keys: { secret: jwtSecret }, issuer, audience }, own);
    const credential = goodToken(own.now(), { exp: seconds + 30 });
    const principal = await authenticate(credential);
    expect(authenticate(credential)).toBe(principal);
    own.advance(32_999);
    expect(authenticate(credential)).toBe(principal);
    own.advance(1);
    await expect(authenticate(credential)).rejects.toMatchObject({ message: expect.stringContaining('expired') });
  });

  it('is verified again after a minute', async () => {
    const own = new ManualClock();
    const authenticate = createJwtAuthenticator({ keys: { secret: jwtSecret }, issuer, audience }, own);
    const credential = goodToken(own.now());
    const principal = await authenticate(credential);
    own.advance(60_000);
    expect(authenticate(credential)).toBeInstanceOf(Promise);
    expect(await authenticate(credential)).toEqual(principal);
  });

  it('is never repeated in a refusal', async () => {
    const credential = goodToken(now, { exp: 1 });
    const refused = await Promise.resolve(withSecret()(credential)).catch((error: Error) => error.message);
    expect(refused).not.toContain(credential.slice(0, 20));
  });
});

describe('a token signed by an issuer with public keys', () => {
  it.each<[string, Sign]>([
    ['rsa RS256', rs256(rsa.privateKey)],
    ['ec ES256', es256(ec.privateKey)],
    ['ed EdDSA', eddsa(ed.privateKey)],
  ])('is taken with the key %s, which is fetched once', async (name, signer) => {
    const { authenticate, asked } = await issuerWith(answer(keySet));
    const [kid, alg] = name.split(' ');
    for (const jti of ['1', '2', '3']) {
      const credential = token({ alg, kid }, claimsAt(now, { jti }), signer);
      expect(await authenticate(credential)).toMatchObject({ workspaceId: 'team-a' });
    }
    expect(asked()).toBe(1);
  });

  it.each<[string, string]>([
    [
      'of another key under a known id',
      token({ alg: 'RS256', kid: 'rsa' }, claimsAt(now), rs256(foreignRsa.privateKey)),
    ],
    ['of an unknown key id', token({ alg: 'RS256', kid: 'other' }, claimsAt(now), rs256(rsa.privateKey))],
    ['of its public key as a secret', token({ alg: 'HS256', kid: 'rsa' }, claimsAt(now), hmac(publicPem))],
    ['of the secret that lies in the set', token({ alg: 'HS256', kid: 'shared' }, claimsAt(now), hmac(jwtSecret))],
    ['of the configured secret', goodToken(now)],
    ['of the key of another algorithm', token({ alg: 'ES256', kid: 'rsa' }, claimsAt(now), es256(ec.privateKey))],
    [
      'of an algorithm that the key is not for',
      token({ alg: 'PS256', kid: 'rsa' }, claimsAt(now), rs256(rsa.privateKey)),
    ],
    ['of nobody', token({ alg: 'none', kid: 'rsa' }, claimsAt(now), nothing)],
    [
      'of nobody, with the algorithm named',
      token({ alg: 'RS256', kid: 'rsa' }, claimsAt(now), () => Buffer.alloc(256)),
    ],
    ['of a key that it brings', embedded()],
    ['of zeros for an elliptic curve', token({ alg: 'ES256', kid: 'ec' }, claimsAt(now), () => Buffer.alloc(64))],
    ['that has expired', token({ alg: 'ES256', kid: 'ec' }, claimsAt(now, { exp: 1 }), es256(ec.privateKey))],
    ['for another audience', token({ alg: 'ES256', kid: 'ec' }, claimsAt(now, { aud: 'x' }), es256(ec.privateKey))],
  ])('is refused: one %s', async (_what, credential) => {
    const { authenticate } = await issuerWith(answer(keySet));
    await expectRefused(authenticate, credential);
  });

  it('makes the bus ask for keys once in a while only, however many unknown key ids come', async () => {
    const { authenticate, asked } = await issuerWith(answer(keySet));
    for (let n = 0; n < 20; n++) {
      await expectRefused(authenticate, token({ alg: 'ES256', kid: `k${n}` }, claimsAt(now), es256(ec.privateKey)));
    }
    expect(asked()).toBe(1);
  });

  it.each<[string, RequestListener]>([
    ['an error', answer({}, 500)],
    ['no set of keys', answer({ keys: 'none' })],
    ['no JSON', (_request, response) => response.end('<html>')],
    [
      'the way to another address',
      (_request, response) => response.writeHead(302, { location: 'http://x.test' }).end(),
    ],
    ['nothing', (request) => request.socket.destroy()],
  ])('is to be sent again later while the issuer answers with %s', async (_what, listener) => {
    const { authenticate } = await issuerWith(listener);
    const credential = token({ alg: 'ES256', kid: 'ec' }, claimsAt(now), es256(ec.privateKey));
    await expect(authenticate(credential)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' });
  });
});

function embedded(): string {
  const jwk = jwkOf(foreignRsa.publicKey, { kid: 'rsa' });
  return token({ alg: 'RS256', kid: 'rsa', jwk }, claimsAt(now), rs256(foreignRsa.privateKey));
}
