// JSON from outside: the one parser of bodies and frames, and its place in Fastify.
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { parse } from 'secure-json-parse';
import { ascii } from '../core/json/ascii.ts';
import { endOfString } from '../core/json/end-of-string.ts';
import { BusError } from '../protocol/errors.ts';

const { closeBrace, closeBracket, openBrace, openBracket, quote } = ascii;

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it came, once it was parsed. */
    rawBody: Buffer | null;
  }
  interface FastifyContextConfig {
    /** The route has a body schema, and takes no body for `{}`. */
    optionalBody?: true;
  }
}

/** Far below where recursive code (JSON.stringify, structuredClone) runs out of stack. */
const maxDepth = 1000;

/** @throws BusError MALFORMED_JSON. Numbers, duplicate keys and the like are as JSON.parse takes them. */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw malformed('The body is empty; send a JSON object.');
  if (!isUtf8(bytes)) throw malformed('The JSON is not valid UTF-8; encode it as UTF-8.');
  if (bytes[0] === 0xef && bytes[1] === 0xbb) throw malformed('The JSON begins with a byte order mark; leave it out.');
  if (isDeeperThan(bytes, maxDepth)) throw malformed(`The JSON is nested deeper than ${maxDepth}; flatten it.`);
  const text = bytes.toString();
  try {
    return mayNamePrototypes(text)
      ? parse(text, null, { protoAction: 'error', constructorAction: 'error' })
      : JSON.parse(text);
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    if (text.includes('forbidden prototype')) {
      throw malformed('The keys `__proto__` and `constructor.prototype` are refused; rename them.');
    }
    throw malformed(`The text is not valid JSON: ${text.replace(/\.?$/, '.')}`);
  }
}

/** Nothing else in JSON can become one of these names, and few texts have any of it: the others need not be looked through. */
function mayNamePrototypes(text: string): boolean {
  return text.includes('__proto__') || text.includes('constructor') || text.includes('\\u');
}

const malformed = (message: string) => new BusError('MALFORMED_JSON', message);

function isDeeperThan(bytes: Buffer, limit: number): boolean {
  // Every level costs an opening and a closing byte.
  if (bytes.length <= 2 * limit) return false;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === openBrace || byte === openBracket) {
      if (++depth > limit) return true;
    } else if (byte === closeBrace || byte === closeBracket) depth--;
  }
  return false;
}

function isUtf8Json(contentType: string | undefined): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1];
  return charset === undefined || charset.toLowerCase() === 'utf-8' || charset.toLowerCase() === 'utf8';
}

/** Makes JSON the only body that the routes of `app` take. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.decorateRequest('rawBody', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const contentType = request.headers['content-type'];
    if (contentType !== 'application/json' && !isUtf8Json(contentType)) {
      done(new BusError('UNSUPPORTED_MEDIA_TYPE', 'The body must be UTF-8; send `content-type: application/json`.'));
      return;
    }
    if (body.length === 0) {
      const { schema, config } = request.routeOptions;
      // Many clients name a content type even where they send nothing.
      if (!schema?.body || config.optionalBody) {
        done(null, undefined);
        return;
      }
    }
    try {
      const value = parseJson(body);
      request.rawBody = body;
      done(null, value);
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook('onRoute', (route) => {
    if (!route.config?.optionalBody) return;
    route.preValidation = [
      (request, _reply, done) => {
        if (request.body === undefined) request.body = {};
        done();
      },
    ];
  });
}
