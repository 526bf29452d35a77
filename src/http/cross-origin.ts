// Guards every request, whatever its route, by its Host and Origin; and answers CORS for the origins that are configured.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BusError } from '../protocol/errors.ts';
import type { AllowedCallers } from './allowed-callers.ts';

/**
 * A foreign page is refused whatever its method: a pull is a GET that takes mail. `X-Forwarded-*` and `Forwarded` are
 * not read here or anywhere: whoever calls could have written them.
 */
export function guardCallers(app: FastifyInstance, callers: AllowedCallers): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { host, origin } = request.headers;
    const fault = faultOfTarget(request) ?? callers.faultOfHost(host) ?? callers.faultOfOrigin(origin, host);
    if (fault || !callers.mayRead(origin)) {
      done(fault);
      return;
    }
    shareWith(origin, reply);
    if (isPreflight(request)) answerPreflight(reply);
    else done();
  });
}

/** The host stands in one place: a second one might be the one that somebody in front has checked. */
function faultOfTarget({ raw, originalUrl }: FastifyRequest): BusError | undefined {
  let hosts = 0;
  for (let index = 0; index < raw.rawHeaders.length; index += 2) {
    if (raw.rawHeaders[index]?.length === 4 && raw.rawHeaders[index]?.toLowerCase() === 'host') hosts++;
  }
  if (hosts <= 1 && (originalUrl.startsWith('/') || originalUrl === '*')) return undefined;
  return new BusError('BAD_REQUEST', 'Name the host once, in Host; a path begins with a slash.');
}

/** On the bare response, since event streams are written there. */
function shareWith(origin: string, { raw }: FastifyReply): void {
  raw.setHeader('access-control-allow-origin', origin);
  raw.setHeader('access-control-expose-headers', 'allow, etag, retry-after');
  raw.setHeader('vary', 'origin');
}

const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;

/** It comes without a key. */
function answerPreflight(reply: FastifyReply): void {
  reply
    .code(204)
    .headers({
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, if-match, last-event-id, x-agent-api-key, x-agent-workspace',
      'access-control-max-age': '600',
    })
    .send();
}
