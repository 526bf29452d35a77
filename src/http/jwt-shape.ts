// What a JSON Web Token looks like before any of it is believed: one way to write each, and nothing in it that steers us.
import { standOnce } from './repeated-keys.ts';

/** Characters. */
const longestToken = 8_192;
const compact = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** A header may say which key was used; not where it is, that it lies beside, or how else to read the token. */
const headerNames: ReadonlySet<string> = new Set(['alg', 'typ', 'kid', 'x5t', 'x5t#S256']);
const longestKeyId = 256;

/** Whether a credential is to be read as a token at all. */
export function looksLikeToken(credential: string): boolean {
  return credential.includes('.') && compact.test(credential);
}

/** Whether its parts are what they should be; says nothing about its signature. */
export function isWellFormedToken(token: string): boolean {
  if (token.length > longestToken) return false;
  const [header = '', claims = '', signature = ''] = token.split('.');
  return isHeader(objectIn(header)) && objectIn(claims) !== undefined && bytesIn(signature) !== undefined;
}

function isHeader(header: Record<string, unknown> | undefined): boolean {
  if (!header || typeof header.alg !== 'string') return false;
  const { kid, typ = 'JWT' } = header;
  return (
    Object.keys(header).every((name) => headerNames.has(name)) &&
    (kid === undefined || (typeof kid === 'string' && kid.length <= longestKeyId)) &&
    typeof typ === 'string' &&
    /^(application\/)?(at\+)?jwt$/i.test(typ)
  );
}

/** A JSON object, no key in it twice: the library would read the last and somebody else the first. */
function objectIn(part: string): Record<string, unknown> | undefined {
  const bytes = bytesIn(part);
  if (!bytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !standOnce(bytes, value))
      return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Of base64url in the only way to write it: the bits that are left over are zero. */
function bytesIn(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}
