// Answers of HTTP/1.1 on a bare socket, for connections that Node does not answer.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

export interface PlainAnswer {
  status: number;
  /** Of the body; each with its line end. */
  headers: string;
  body: string;
  /** Milliseconds that the connection may be idle from now on; undefined where this is its last answer. */
  keepAliveMs: number | undefined;
}

export function writePlainAnswer(socket: Socket, { status, headers, body, keepAliveMs }: PlainAnswer): void {
  const size = Buffer.byteLength(body);
  const connection =
    keepAliveMs === undefined ? 'close' : `keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1_000)}`;
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}content-length: ${size}\r\n` +
      `Date: ${dateNow()}\r\nConnection: ${connection}\r\n\r\n${body}`,
    // As nearly always, all is ASCII: then it is copied as it is.
    size === body.length ? 'latin1' : 'utf8',
  );
}

let date = { second: 0, text: '' };

function dateNow(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== date.second) date = { second, text: new Date(second * 1_000).toUTCString() };
  return date.text;
}
