// The keys of encryption at rest: from the configuration, or from a file that only its owner can read.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import { BusError } from '../protocol/errors.ts';
import type { BusConfig } from './config.ts';

const oneKey = /^([0-9A-Fa-f]{64}|[A-Za-z0-9_-]{43})$/;

type EncryptionSettings = Pick<BusConfig, 'encryptionEnabled' | 'encryptionKey' | 'encryptionKeyFile' | 'dataDir'>;

/**
 * Keys of 32 bytes: what is written is written under the first, the others are for what was written before. Undefined
 * without `encryptionEnabled`.
 * @throws BusError CONFIG_INVALID where the file cannot be used, or others than its owner could read it.
 */
export function resolveEncryptionKeys(config: EncryptionSettings): Buffer[] | undefined {
  if (!config.encryptionEnabled) return undefined;
  const { encryptionKey, encryptionKeyFile } = config;
  if (encryptionKey !== undefined) return encryptionKey.split(',').map(keyBytes);
  if (encryptionKeyFile !== undefined) return keysIn(encryptionKeyFile, config.dataDir);
  throw unusable('/encryptionEnabled', 'encryptionEnabled needs encryptionKey or encryptionKeyFile');
}

function keysIn(path: string, dataDir: string): Buffer[] {
  let words: string[];
  let mode: number;
  try {
    mode = statSync(path).mode & 0o777;
    words = readFileSync(path, 'utf8').split(/[\s,]+/);
  } catch (error) {
    throw unusableFile(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const keys = words.filter((word) => word !== '');
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw unusableFile(path, `can be read by others than its owner (mode ${mode.toString(8)}): chmod 600 it`);
  }
  if (isInside(path, dataDir)) throw unusableFile(path, 'lies in dataDir, beside what it encrypts: keep it elsewhere');
  if (keys.length === 0 || !keys.every((key) => oneKey.test(key))) {
    throw unusableFile(path, 'must hold a key of 32 bytes, as 64 hex digits or 43 characters of base64url');
  }
  return keys.map(keyBytes);
}

function isInside(path: string, folder: string): boolean {
  try {
    return realpathSync(path).startsWith(realpathSync(folder) + sep);
  } catch {
    // There is no such folder yet.
    return false;
  }
}

function keyBytes(text: string): Buffer {
  return Buffer.from(text, text.length === 64 ? 'hex' : 'base64url');
}

function unusableFile(path: string, why: string): BusError {
  return unusable('/encryptionKeyFile', `the key file ${path} ${why}`);
}

function unusable(path: string, message: string): BusError {
  return new BusError('CONFIG_INVALID', `The configuration is not valid: ${message}.`, {
    details: [{ path, message }],
  });
}
