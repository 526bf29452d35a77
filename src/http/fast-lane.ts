// The fast lane: answers plain sends straight from the connection and leaves everything else to Node and Fastify.
// Measured with `npm run bench`: without those two a send costs the server a quarter less CPU, from arrival to ack.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { LaneConnection, type LaneOptions } from './lane-connection.ts';
import { readyEvent } from './tls.ts';

interface FastLane {
  /** Ends idle connections at once and busy ones with their answer. */
  close(): void;
}

/** Connections of `server` begin in the fast lane, and leave it for good with the first thing that it does not take. */
export function openFastLane(server: Server, options: LaneOptions): FastLane {
  const connections = new Set<LaneConnection>();
  // One for all: a timer of each connection would be wound up anew with each thing read or written.
  const lookMs = Math.min(options.headersTimeout, options.keepAliveTimeout) / 4;
  const looks = setInterval(() => {
    for (const connection of connections) connection.look(lookMs);
  }, lookMs);
  looks.unref();
  // Node's own; those that came after it look at every connection, and go on doing so.
  const ready = readyEvent(server);
  const [nodes] = server.listeners(ready);
  const toNode = (socket: Socket): void => {
    if (nodes) Reflect.apply(nodes, server, [socket]);
  };
  let closing = false;
  if (nodes) server.off(ready, nodes as (socket: Socket) => void);
  server.on(ready, (socket: Socket) => {
    // Refused already.
    if (!socket.writable) return;
    if (closing) {
      toNode(socket);
      return;
    }
    const left = () => connections.delete(connection);
    const connection = new LaneConnection(socket, options, { toNode, left });
    connections.add(connection);
  });
  return {
    close() {
      closing = true;
      clearInterval(looks);
      for (const connection of connections) connection.end();
    },
  };
}
