// `agent-bus health`: asks a running bus whether it is alive; the container's health check.
import type { BusConfig } from '../config/config.ts';
import { BusError } from '../protocol/errors.ts';
import { localUrl } from './address.ts';

const patience = 3_000;

/** @returns whether the bus is alive; its answer goes to stdout, or to stderr why there is none. */
export async function health(config: BusConfig): Promise<boolean> {
  if (config.port === 0) throw new BusError('CONFIG_INVALID', 'Set the port of the bus to ask for: 0 names none.');
  const url = `${localUrl(config.host, config.port)}/health`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(patience) });
    const body = await response.text();
    if (response.ok) process.stdout.write(`${body}\n`);
    else process.stderr.write(`agent-bus: ${url} answered ${response.status}: ${body}\n`);
    return response.ok;
  } catch (error) {
    const { cause, message } = error as Error;
    process.stderr.write(`agent-bus: ${url} does not answer: ${cause instanceof Error ? cause.message : message}\n`);
    return false;
  }
}
