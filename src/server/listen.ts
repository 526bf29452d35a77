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

/** What the configuration has asked for, and the system does not give: by the setting that is at fault. */
const settingAtFault: Readonly<Record<string, 'host' | 'port'>> = {
  EACCES: 'port',
  EADDRNOTAVAIL: 'host',
  ENOTFOUND: 'host',
  EAI_AGAIN: 'host',
};

/** @throws BusError PORT_IN_USE, CONFIG_INVALID */
export async function listen(app: FastifyInstance, { host, port, tlsCert }: BusConfig): Promise<Listening> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const setting = settingAtFault[code];
    if (setting) {
      const message = `${setting} ${setting === 'host' ? host : port} cannot be listened on (${code})`;
      const details = [{ path: `/${setting}`, message }];
      throw new BusError('CONFIG_INVALID', `The configuration is not valid: ${message}.`, { details, cause });
    }
    if (code !== 'EADDRINUSE') throw cause;
    const message = `Port ${port} of ${host} is in use; stop what listens there, or choose another port.`;
    throw new BusError('PORT_IN_USE', message, { cause });
  }
  const address = app.server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  const scheme = tlsCert === undefined ? 'http' : 'https';
  return { host: address.address, port: address.port, url: `${scheme}://${name}:${address.port}` };
}
