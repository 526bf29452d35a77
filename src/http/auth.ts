// The key at the door: finds the credential of a request and makes it the request's principal.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Authenticate, Principal } from '../bus/identity.ts';
import type { RateLimit } from '../bus/rate-limit.ts';
import { BusError } from '../protocol/errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
  }
}

const keyParameters = new Set(['api_key', 'apikey', 'key', 'token', 'access_token', 'x-agent-api-key']);
/** A browser cannot set headers of a socket: its key is what follows this in a subprotocol. */
export const keyProtocol = 'agent-bus.key.';

/** `x-agent-api-key`, else `Authorization: Bearer`, else (browsers' sockets) the subprotocol `agent-bus.key.<key>`. */
export function credentialOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['x-agent-api-key'];
  if (typeof key === 'string') return key;
  if (headers.authorization !== undefined) return /^Bearer +(\S+)$/i.exec(headers.authorization)?.[1];
  return headers['sec-websocket-protocol']
    ?.split(',')
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(keyProtocol))
    ?.slice(keyProtocol.length);
}

/** The password of `Authorization: Basic`: what a browser asks for when it opens the viewer. */
function basicPasswordOf(headers: IncomingHttpHeaders): string | undefined {
  const encoded = /^Basic +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const pair = Buffer.from(encoded ?? '', 'base64').toString();
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
}

function refuseKeyIn(query: unknown): void {
  for (const name of Object.keys(query as object)) {
    if (keyParameters.has(name.toLowerCase())) {
      throw new BusError('KEY_IN_QUERY', `Keys do not belong into a URL; send ${name} as the header x-agent-api-key.`);
    }
  }
}

/** For routes that need no key: one that is sent all the same must not stand in logs. */
export function refuseKeysInQuery(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    refuseKeyIn(request.query);
    done();
  });
}

interface Gate {
  authenticate: Authenticate;
  rateLimit: RateLimit;
}

/** Every route of `app` needs a key from now on. `basic` takes it as the password of HTTP Basic as well. */
export function requireKey(app: FastifyInstance, bus: Gate, { basic = false } = {}): void {
  const challenge = basic ? ['Bearer', 'Basic realm="agent-bus"'] : 'Bearer';
  app.addHook('onRequest', (request, reply, done) => {
    const refuse = (error: unknown): void => {
      if (error instanceof BusError && error.code === 'UNAUTHORIZED') reply.header('www-authenticate', challenge);
      done(error as Error);
    };
    const admit = (principal: Principal): void => {
      request.principal = principal;
      bus.rateLimit.take(principal);
    };
    try {
      const { headers, url } = request.raw;
      if (url?.includes('?')) refuseKeyIn(request.query);
      const asking = bus.authenticate(credentialOf(headers) ?? (basic ? basicPasswordOf(headers) : undefined));
      if (asking instanceof Promise) {
        asking.then(admit).then(() => done(), refuse);
        return;
      }
      admit(asking);
    } catch (error) {
      refuse(error);
      return;
    }
    done();
  });
}
