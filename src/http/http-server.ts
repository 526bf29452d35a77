// The HTTP server beneath Fastify: its time limits, and what of Node's own behaviour is changed.
import { createServer, type RequestListener, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { TlsFiles } from '../config/tls-files.ts';
import { BusError } from '../protocol/errors.ts';
import { limitConnectionsPerAddress } from './address-limit.ts';
import { type HttpConnectionLimits, limitHttpConnections } from './http-connections.ts';
import { oneAtATime } from './pipelining.ts';
import { problemOf, problemType } from './problem.ts';
import { tlsOptions } from './tls.ts';

/** Milliseconds until the head of a request has to be there, and with TLS, before that, the handshake is over. */
export const headersTimeout = 10_000;
/** Milliseconds that a connection may be idle. */
export const keepAliveTimeout = 72_000;

export interface ConnectionLimits extends HttpConnectionLimits {
  /** 0 is no limit. */
  maxConnectionsPerAddress: number;
}

const options: ServerOptions = {
  headersTimeout,
  // Bounds the receiving of a request, not its answer: a long poll may wait longer.
  requestTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout,
  // Its refusal would have no body.
  requireHostHeader: false,
};

/** Speaks TLS, and nothing else, where it is given its files. */
export function createHttpServer(listener: RequestListener, limits: ConnectionLimits, tls?: TlsFiles): Server {
  const onRequest = oneAtATime((request, response) => {
    if (request.headers.host === undefined && request.httpVersion === '1.1') refuseWithoutHost(response);
    else listener(request, response);
  });
  const server: Server = tls
    ? createSecureServer({ ...options, ...tlsOptions(tls, headersTimeout) }, onRequest)
    : createServer(options, onRequest);
  // Else who says no more behind its request gets no answer but one that is given at once: what it changed, it would not know.
  // Node does not document the property, and its own server reads it; the tests see whether it still does.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Node would answer 417 without a body; an expectation that nobody knows may be passed over.
  server.on('checkExpectation', onRequest);
  limitConnectionsPerAddress(server, limits.maxConnectionsPerAddress);
  limitHttpConnections(server, limits);
  return server;
}

function refuseWithoutHost(response: ServerResponse): void {
  const problem = problemOf(new BusError('BAD_REQUEST', 'A request of HTTP/1.1 names its host; send a Host header.'));
  response.writeHead(problem.status, { 'content-type': problemType, connection: 'close' });
  response.end(JSON.stringify(problem));
}
