// `agent-bus health`: asks a running bus whether it is alive; the container's health check.
import { once } from 'node:events';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import type { BusConfig } from '../config/config.ts';
import { BusError } from '../protocol/errors.ts';
import { localUrl } from './address.ts';

const patience = 3_000;

/** @returns whether the bus is alive; its answer goes to stdout, or to stderr why there is none. */
export async function health(config: BusConfig): Promise<boolean> {
  if (config.port === 0) throw new BusError('CONFIG_INVALID', 'Set the port of the bus to ask for: 0 names none.');
  const url = `${localUrl(config, config.port)}/health`;
  try {
    const { status, body } = await ask(url);
    const isAlive = status === 200;
    if (isAlive) process.stdout.write(`${body}\n`);
    else process.stderr.write(`agent-bus: ${url} answered ${status}: ${body}\n`);
    return isAlive;
  } catch (error) {
    process.stderr.write(`agent-bus: ${url} does not answer: ${(error as Error).message}\n`);
    return false;
  }
}

async function ask(url: string): Promise<{ status: number | undefined; body: string }> {
  const signal = AbortSignal.timeout(patience);
  const request = url.startsWith('https:')
    ? // The certificate names the bus as others call it. Nothing is told here that had to be kept from anybody.
      getSecure(url, { signal, agent: false, rejectUnauthorized: false })
    : getPlain(url, { signal, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: Buffer.concat(await response.toArray()).toString() };
}
