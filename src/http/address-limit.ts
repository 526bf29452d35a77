// How many connections one client may hold open: so that one machine cannot take the places of all others.
import type { Server } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { isLoopback } from '../config/loopback.ts';
import { refuseAtOnce } from './http-connections.ts';

/** Counts every connection, sockets included, by its address. Agents of this machine share one: they are not limited. */
export function limitConnectionsPerAddress(server: Server, limit: number): void {
  if (limit === 0) return;
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    // Refused or gone already.
    if (remoteAddress === undefined || !socket.writable) return;
    const client = clientOf(remoteAddress);
    if (isLoopback(client)) return;
    const count = open.get(client) ?? 0;
    if (count >= limit) {
      refuseAtOnce(server, socket, `All ${limit} connections of this address are taken; close some of them.`);
      return;
    }
    open.set(client, count + 1);
    socket.once('close', () => {
      const left = (open.get(client) ?? 1) - 1;
      if (left > 0) open.set(client, left);
      else open.delete(client);
    });
  });
}

/** An IPv4 address as it is, also where it is written in IPv6; of an IPv6 address the /64, all of which one machine has. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address) || isLoopback(address)) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
