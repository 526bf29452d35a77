// Where a server listens: opens its port, and says which one that is.
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { BusConfig } from '../config/config.ts';
import { BusError } from '../protocol/errors.ts';

/** Where a started bus listens. */
export interface Listening {
  host: string;
  /** The real one, also where 0 was asked for. */
  port: number;
  url: string;
  /** The bus key where none was configured: made in this run, or kept in the data directory. */
  apiKey?: string;
}

/** @throws BusError PORT_IN_USE */
export async function listen(app: FastifyInstance, { host, port, tlsCert }: BusConfig): Promise<Listening> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    const message = `Port ${port} of ${host} is in use; stop what listens there, or choose another port.`;
    throw new BusError('PORT_IN_USE', message, { cause });
  }
  const address = app.server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  const scheme = tlsCert === undefined ? 'http' : 'https';
  return { host: address.address, port: address.port, url: `${scheme}://${name}:${address.port}` };
}
