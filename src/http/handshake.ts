// The opening handshake of a WebSocket: what RFC 6455 asks of an upgrade, each fault told as a problem.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BusError } from '../protocol/errors.ts';

/** 16 bytes in base64. */
const key = /^[A-Za-z0-9+/]{22}==$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Why the upgrade to a WebSocket cannot be made, if it cannot. */
export function faultOfHandshake({ raw }: FastifyRequest, reply: FastifyReply): BusError | undefined {
  const { headers, httpVersion } = raw;
  if (httpVersion !== '1.1' || headers.host === undefined) {
    return badRequest('A WebSocket is opened with HTTP/1.1 and a Host header; check the client.');
  }
  // Its bytes would be read as frames.
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    return badRequest('An upgrade has no body; send frames when the socket is open.');
  }
  if (!key.test(headers['sec-websocket-key'] ?? '')) {
    return badRequest('Sec-WebSocket-Key must be there once and hold 16 bytes in base64; check the client.');
  }
  if (headers['sec-websocket-version'] !== '13') {
    reply.header('sec-websocket-version', '13');
    return new BusError(
      'UPGRADE_REQUIRED',
      'Only version 13 of WebSocket is spoken here; send Sec-WebSocket-Version: 13.',
    );
  }
  if (!isList(headers['sec-websocket-protocol'])) {
    return badRequest('Sec-WebSocket-Protocol must be a list of different names; check the client.');
  }
  return undefined;
}

const badRequest = (message: string) => new BusError('BAD_REQUEST', message);

function isList(protocols: string | undefined): boolean {
  if (protocols === undefined) return true;
  const names = protocols.split(',').map((name) => name.trim());
  return names.every((name) => token.test(name)) && new Set(names).size === names.length;
}
