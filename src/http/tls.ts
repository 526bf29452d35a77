// TLS beneath HTTP and the sockets: what is spoken, how it is renewed, and who has not finished the handshake.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket, type TlsOptions, Server as TlsServer } from 'node:tls';
import type { TlsFiles } from '../config/tls-files.ts';

const minVersion = 'TLSv1.2';

export function tlsOptions({ cert, key }: TlsFiles, handshakeTimeout: number): TlsOptions {
  return { cert, key, minVersion, handshakeTimeout };
}

/** From the next handshake on. */
export function renewTls(server: Server, { cert, key }: TlsFiles): void {
  if (server instanceof TlsServer) server.setSecureContext({ cert, key, minVersion });
}

export function speaksTls(end: Server | Socket): boolean {
  return end instanceof TlsServer || end instanceof TLSSocket;
}

/** With it a connection can carry HTTP; with TLS that is later than `connection`, and another object. */
export function readyEvent(server: Server): 'connection' | 'secureConnection' {
  return speaksTls(server) ? 'secureConnection' : 'connection';
}

/** Node counts a connection as one of HTTP when its handshake is over; a server that closes waits for the others, too. */
export function trackHandshakes(server: Server): { end(): void } {
  const handshakes = new Map<string, Socket>();
  if (server instanceof TlsServer) {
    server.on('connection', (socket: Socket) => {
      const key = keyOf(socket);
      handshakes.set(key, socket);
      socket.once('close', () => {
        if (handshakes.get(key) === socket) handshakes.delete(key);
      });
    });
    server.on('secureConnection', (socket: TLSSocket) => handshakes.delete(keyOf(socket)));
    // Nothing can be said in plain text to who does not speak TLS.
    server.removeAllListeners('tlsClientError').on('tlsClientError', (_error, socket) => socket.destroy());
  }
  return {
    end() {
      for (const socket of handshakes.values()) socket.destroy();
    },
  };
}

/** The two objects of one connection have only this in common. */
const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
