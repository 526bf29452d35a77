// The bus key: the configured one, or one that the bus makes and keeps; and which addresses may do without a strong one.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { BusError } from '../protocol/errors.ts';
import type { BusConfig } from './config.ts';

export interface ResolvedApiKey {
  apiKey: string;
  /** Made by the bus, in this run or an earlier one. */
  generated: boolean;
  /** The file that a generated key is kept in; absent without persistence. */
  path?: string;
}

const shortestPublicKey = 16;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can reach an address. A name other than `localhost` may resolve to anything: false. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === 'localhost';
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** @throws BusError CONFIG_INVALID where others could reach the bus with no key or a weak one. */
export function assertKeyGuardsHost({ host, apiKey }: Pick<BusConfig, 'host' | 'apiKey'>): void {
  if (isLoopback(host) || (apiKey !== undefined && apiKey.length >= shortestPublicKey)) return;
  const message =
    `host ${host} can be reached from other machines: apiKey must be set (AGENT_BUS_API_KEY) ` +
    `and have at least ${shortestPublicKey} characters`;
  throw new BusError('CONFIG_INVALID', `The configuration is not valid: ${message}.`, {
    details: [{ path: '/apiKey', message }],
  });
}

/**
 * The configured key; else the key kept in `<dataDir>/api-key` (made at the first start, mode 0600); else, without
 * persistence, a new one for this run.
 * @throws BusError CONFIG_INVALID beyond loopback without a strong configured key, or where the file cannot be used.
 */
export function resolveApiKey(config: BusConfig): ResolvedApiKey {
  assertKeyGuardsHost(config);
  if (config.apiKey !== undefined) return { apiKey: config.apiKey, generated: false };
  if (!config.persistenceEnabled) return { apiKey: newApiKey(), generated: true };
  const path = join(config.dataDir, 'api-key');
  try {
    return { apiKey: keptKey(path) ?? keepNewKey(config.dataDir, path), generated: true, path };
  } catch (cause) {
    if (cause instanceof BusError) throw cause;
    const message = `the key file ${path} cannot be used (${(cause as NodeJS.ErrnoException).code}): check dataDir`;
    throw new BusError('CONFIG_INVALID', `The configuration is not valid: ${message}.`, {
      details: [{ path: '/dataDir', message }],
      cause,
    });
  }
}

function newApiKey(): string {
  return `abk_${randomBytes(24).toString('base64url')}`;
}

function keptKey(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (/^[\x21-\x7e]{16,512}$/.test(text)) return text;
  const message = `the key file ${path} does not hold a key: remove it to have a new one made`;
  throw new BusError('CONFIG_INVALID', `The configuration is not valid: ${message}.`, {
    details: [{ path: '/apiKey', message }],
  });
}

/** Written aside and linked into place: a crash leaves no half key, and of two starts at once both use the first's. */
function keepNewKey(dataDir: string, path: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const aside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const apiKey = newApiKey();
  try {
    writeFileSync(aside, `${apiKey}\n`, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(aside, path);
    return apiKey;
  } catch (error) {
    const others = (error as NodeJS.ErrnoException).code === 'EEXIST' ? keptKey(path) : undefined;
    if (others === undefined) throw error;
    return others;
  } finally {
    rmSync(aside, { force: true });
  }
}
