// One request to the bus that runs on this machine with the same configuration, over TLS to that bus only.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { type PeerCertificate, rootCertificates, TLSSocket } from 'node:tls';
import type { BusConfig } from '../config/config.ts';
import { readTlsFiles } from '../config/tls-files.ts';
import { BusError } from '../protocol/errors.ts';
import { localUrl } from './address.ts';

export interface LocalRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** Milliseconds until an answer has to be there. */
  patience: number;
}

/** @throws BusError NOT_RUNNING where nobody answers, or another than the bus that has the configured certificate */
export async function requestLocally(
  config: BusConfig,
  asked: LocalRequest,
): Promise<{ status: number; body: string }> {
  const { method, path, headers, body, patience } = asked;
  const files = readTlsFiles(config);
  const options = { method, headers, signal: AbortSignal.timeout(patience), agent: false as const };
  const url = localUrl(config, config.port);
  const request = files
    ? requestSecure(url + path, { ...options, ...pinnedTo(files.cert) })
    : requestPlain(url + path, options);
  request.end(body);
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: Buffer.concat(await response.toArray()).toString() };
  } catch (cause) {
    throw new BusError('NOT_RUNNING', `${url} ${faultOf(request, cause as Error)}`, { cause });
  }
}

function faultOf({ socket }: ClientRequest, { message }: Error): string {
  const isDistrusted = socket instanceof TLSSocket && Boolean(socket.authorizationError);
  if (!isDistrusted) return `does not answer: ${message}`;
  return `does not prove that it has the certificate of tlsCert (${message}); it was told nothing.`;
}

/** The name in the certificate is the one that others call the bus by: what counts is that it is this certificate. */
function pinnedTo(cert: string | Buffer) {
  const { fingerprint256 } = new X509Certificate(cert);
  return {
    ca: [...rootCertificates, String(cert)],
    allowPartialTrustChain: true,
    checkServerIdentity: (_name: string, peer: PeerCertificate) =>
      peer.fingerprint256 === fingerprint256 ? undefined : new Error('it has another one'),
  };
}
