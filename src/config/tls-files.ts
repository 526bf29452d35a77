// The certificate and the private key that the configuration names: read, and known to belong together.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { BusError } from '../protocol/errors.ts';
import type { BusConfig } from './config.ts';

export interface TlsFiles {
  /** PEM: the certificate, its chain behind it. */
  cert: string;
  /** PEM. */
  key: string;
}

/**
 * The files as they are now; `undefined` where the bus is to speak plain HTTP.
 * @throws BusError CONFIG_INVALID where a file cannot be read or is not what it should be.
 */
export function readTlsFiles({ tlsCert, tlsKey }: Pick<BusConfig, 'tlsCert' | 'tlsKey'>): TlsFiles | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const cert = readText('tlsCert', tlsCert);
  const key = readText('tlsKey', tlsKey);
  check('tlsCert', `${tlsCert} holds no certificate in PEM`, () => new X509Certificate(cert));
  check('tlsKey', `${tlsKey} holds no private key in PEM that fits ${tlsCert}`, () =>
    createSecureContext({ cert, key }),
  );
  return { cert, key };
}

function readText(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unusable(setting, `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

function check(setting: string, fault: string, attempt: () => unknown): void {
  try {
    attempt();
  } catch (cause) {
    throw unusable(setting, fault, cause);
  }
}

function unusable(setting: string, fault: string, cause: unknown): BusError {
  const message = `the file of ${setting}, ${fault}`;
  return new BusError('CONFIG_INVALID', `The configuration is not valid: ${message}.`, {
    details: [{ path: `/${setting}`, message }],
    cause,
  });
}
