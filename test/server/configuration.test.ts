// Every key of the configuration does something to a bus that is made with it: as its proof says, or the test that is named.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import schema from '../../schemas/config.json' with { type: 'json' };
import type { Config } from '../../src/protocol/types.gen.ts';
import { proofs } from './setting-proofs.ts';

/** They need more than a test of one key may take, or are what another test is about; each of these says their names. */
const elsewhere: Partial<Record<keyof Config, string>> = {
  allowedHosts: 'test/http/cross-origin.test.ts',
  allowedOrigins: 'test/http/cross-origin.test.ts',
  apiKey: 'test/server.test.ts',
  corsOrigins: 'test/http/cross-origin.test.ts',
  dataDir: 'test/server.test.ts',
  dedupeWindow: 'test/config/config.test.ts',
  diskReserve: 'test/crash/full-disk.mjs',
  encryptionEnabled: 'test/e2e/encryption.test.ts',
  encryptionKey: 'test/e2e/encryption.test.ts',
  encryptionKeyFile: 'test/e2e/encryption.test.ts',
  heartbeatInterval: 'test/http/socket-liveness.test.ts',
  host: 'test/e2e/serve.test.ts',
  logLevel: 'test/e2e/serve.test.ts',
  maxBufferedBytes: 'test/http/socket-liveness.test.ts',
  maxConnections: 'test/http/socket-upgrade.test.ts',
  maxConnectionsPerAddress: 'test/http/address-limit.test.ts',
  maxHttpConnections: 'test/http/http-connections.test.ts',
  maxInFlight: 'test/http/socket-window.test.ts',
  maxPayload: 'test/http/socket-input.test.ts',
  persistenceEnabled: 'test/server.test.ts',
  port: 'test/e2e/serve.test.ts',
  providers: 'test/templates/own-providers.test.ts',
  registration: 'test/http/socket-upgrade.test.ts',
  shutdownTimeout: 'test/e2e/signals.test.ts',
  slowReaderTimeout: 'test/http/http-connections.test.ts',
  tlsCert: 'test/http/tls.test.ts',
  tlsKey: 'test/http/tls.test.ts',
};

describe('the setting', () => {
  it.each(Object.keys(schema.definitions.Config.properties) as (keyof Config)[])('%s has an effect', async (key) => {
    const [proof, file] = [proofs[key], elsewhere[key]];
    expect(
      [proof, file].filter((one) => one !== undefined),
      `proofs of ${key}`,
    ).toHaveLength(1);
    await proof?.();
    if (file === undefined) return;
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    expect(existsSync(file), file).toBe(true);
    expect(readFileSync(file, 'utf8'), file).toMatch(new RegExp(`(?<![\\w-])(${key}|${flag})\\b`));
  });
});
