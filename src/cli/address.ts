// The URL under which this machine reaches a bus, and what a client must be told to trust its certificate.
import { X509Certificate } from 'node:crypto';
import type { BusConfig } from '../config/config.ts';
import { readTlsFiles } from '../config/tls-files.ts';

type Reach = Pick<BusConfig, 'host' | 'tlsCert' | 'tlsKey'>;

/**
 * A wildcard address is no address to call: it becomes the loopback of its family.
 * @throws BusError CONFIG_INVALID where the certificate cannot be read
 */
export function localUrl(config: Reach, port: number): string {
  const certificate = certificateOf(config);
  const address = config.host === '0.0.0.0' ? '127.0.0.1' : config.host === '::' ? '::1' : config.host;
  const name = certificate && isMadeForLocalhost(certificate, address) ? 'localhost' : address;
  return `http${certificate ? 's' : ''}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The option with which curl trusts a certificate that nobody else has signed; empty where it needs none. */
export function curlTrust(config: Reach): string {
  const certificate = certificateOf(config);
  return certificate?.checkIssued(certificate) ? `--cacert ${config.tlsCert} ` : '';
}

function certificateOf(config: Reach): X509Certificate | undefined {
  const files = readTlsFiles(config);
  return files && new X509Certificate(files.cert);
}

function isMadeForLocalhost(certificate: X509Certificate, address: string): boolean {
  const isLocal = address === '127.0.0.1' || address === '::1';
  return isLocal && !certificate.checkIP(address) && certificate.checkHost('localhost') !== undefined;
}
