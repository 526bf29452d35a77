// Answers what never becomes a request: bytes that are not HTTP, headers without end, a request that does not arrive.
import type { Socket } from 'node:net';
import { BusError } from '../protocol/errors.ts';
import { problemOf, problemType } from './problem.ts';

function errorOf(code: string | undefined): BusError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new BusError('HEADERS_TOO_LARGE', 'The headers are larger than 16 KiB; send fewer or shorter ones.');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new BusError('REQUEST_TIMEOUT', 'The request did not arrive in time; send it again.');
  }
  return new BusError('BAD_REQUEST', 'This is not a valid HTTP/1.1 request; check the client.');
}

export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET') socket.destroy();
  else refuseConnection(socket, errorOf(error.code));
}

/** Says why on the bare connection, where it can still be said, and ends it. */
export function refuseConnection(socket: Socket, error: BusError): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const retry = problem.status === 503 ? 'Retry-After: 1\r\n' : '';
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: ${problemType}\r\n${retry}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    // What the client still sends after this would hold the socket open.
    () => socket.destroy(),
  );
}
