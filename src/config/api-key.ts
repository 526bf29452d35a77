// The bus key: the configured one, or one that the bus makes and keeps; and which addresses may do without a strong one.
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BusError } from '../protocol/errors.ts';
import type { BusConfig } from './config.ts';
import { flushFolder, makeFolder } from './durable-folder.ts';
import { isLoopback } from './loopback.ts';

export interface ResolvedApiKey {
  apiKey: string;
  /** Made by the bus, in this run or an earlier one. */
  generated: boolean;
  /** The file that a generated key is kept in; absent without persistence. */
  path?: string;
}

const shortestPublicKey = 16;

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

/** The key that speaks for the operator: the configured one, else the one that the bus has made and keeps, if it has. */
export function operatorKey({ apiKey, dataDir }: Pick<BusConfig, 'apiKey' | 'dataDir'>): string | undefined {
  return apiKey ?? keptKey(join(dataDir, 'api-key'));
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
  if (!/^[\x21-\x7e]{16,512}$/.test(text)) {
    throw unusable(`the key file ${path} does not hold a key: remove it to have a new one made`);
  }
  const mode = statSync(path).mode & 0o777;
  // Volumes of containers are given to a group, with all that is in them.
  if (process.platform === 'win32' || (mode & 0o007) === 0) return text;
  throw unusable(`the key file ${path} is open to everybody (mode ${mode.toString(8)}): chmod 600 it`);
}

function unusable(message: string): BusError {
  return new BusError('CONFIG_INVALID', `The configuration is not valid: ${message}.`, {
    details: [{ path: '/apiKey', message }],
  });
}

/** Written aside and linked into place: a crash leaves no half key, and of two starts at once both use the first's. */
function keepNewKey(dataDir: string, path: string): string {
  makeFolder(dataDir);
  const aside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const apiKey = newApiKey();
  try {
    writeFileSync(aside, `${apiKey}\n`, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(aside, path);
    flushFolder(dataDir);
    return apiKey;
  } catch (error) {
    const others = (error as NodeJS.ErrnoException).code === 'EEXIST' ? keptKey(path) : undefined;
    if (others === undefined) throw error;
    return others;
  } finally {
    rmSync(aside, { force: true });
  }
}
