import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ConfigSources, loadConfig, resolveOptions } from '../../src/config/config.ts';
import { settings } from '../../src/config/settings.ts';
import { BusError } from '../../src/protocol/errors.ts';
import type { Config } from '../../src/protocol/types.gen.ts';
import { schemaDocuments } from '../../src/schema/registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-bus-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(path, text);
  return path;
}

function faultsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain(String(error.details[0]?.message));
    return error.details.map(({ path, message }) => `${path} ${message}`);
  }
  throw new Error('nothing was refused');
}
const faults = (sources: ConfigSources) => faultsOf(() => loadConfig(sources));

describe('defaults', () => {
  it('are those of the schema, durations in milliseconds', () => {
    expect(loadConfig({})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      maxConnections: 1000,
      maxHttpConnections: 2000,
      maxConnectionsPerAddress: 1000,
      heartbeatInterval: 30_000,
      messageTimeout: 300_000,
      persistenceEnabled: false,
      encryptionEnabled: false,
      dataDir: './data',
      logLevel: 'info',
      ackTimeout: 30_000,
      maxInFlight: 256,
      maxPayload: 1_048_576,
      maxBufferedBytes: 1_048_576,
      slowReaderTimeout: 30_000,
      maxMailboxMessages: 1_000_000,
      maxMailboxBytes: 1_073_741_824,
      diskReserve: 67_108_864,
      rateLimit: 0,
      maxHops: 32,
      maxPairRate: 60_000,
      maxSessionRate: 120_000,
      offlineGrace: 10_000,
      dedupeWindow: 86_400_000,
      retention: 604_800_000,
      auditRetention: 2_592_000_000,
      sessionTimeout: 86_400_000,
      autoAdvance: true,
      maxSessions: 0,
      maxChatsPerSession: 0,
      chatHistoryLimit: 200,
      chatHistoryBytes: 1_048_576,
      chatTimeout: 300_000,
      registration: 'auto',
      shutdownTimeout: 8_000,
      providers: {},
    });
  });

  it('cover every key of the schema but those that need none', () => {
    const definition = schemaDocuments.find(({ $id }) => $id === 'config.json')?.definitions.Config;
    const properties = (definition as { properties?: object } | undefined)?.properties ?? {};
    const without = [
      ...['apiKey', 'encryptionKey', 'encryptionKeyFile'],
      ...['allowedHosts', 'allowedOrigins', 'corsOrigins', 'tlsCert', 'tlsKey'],
      ...['jwtSecret', 'jwksUrl', 'jwtIssuer', 'jwtAudience', 'templates'],
    ];
    expect([...Object.keys(loadConfig({})), ...without].sort()).toEqual(Object.keys(properties).sort());
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true);
  });
});

describe('precedence', () => {
  const file = fileWith('{ "port": 1, "host": "::1", "ackTimeout": "1s", "autoAdvance": false }');

  it('is defaults, file, environment, flags', () => {
    const env = { AGENT_BUS_HOST: 'localhost', AGENT_BUS_ACK_TIMEOUT: '2s' };
    const config = loadConfig({ file, env, flags: { '--ack-timeout': '3s' } });
    expect(config).toMatchObject({
      port: 1,
      host: 'localhost',
      ackTimeout: 3_000,
      autoAdvance: false,
      maxInFlight: 256,
    });
  });

  it('leaves other environment variables alone', () => {
    expect(loadConfig({ env: { PATH: '/bin', PORT: 'x' } }).port).toBe(8080);
  });
});

describe('text from the environment and flags', () => {
  it.each([
    ['AGENT_BUS_PORT', '0', 'port', 0],
    ['AGENT_BUS_PERSISTENCE_ENABLED', 'true', 'persistenceEnabled', true],
    ['AGENT_BUS_PERSISTENCE_ENABLED', '1', 'persistenceEnabled', true],
    ['AGENT_BUS_AUTO_ADVANCE', 'false', 'autoAdvance', false],
    ['AGENT_BUS_AUTO_ADVANCE', '0', 'autoAdvance', false],
    ['AGENT_BUS_RETENTION', '30d', 'retention', 2_592_000_000],
    ['AGENT_BUS_ACK_TIMEOUT', '1500', 'ackTimeout', 1_500],
    ['AGENT_BUS_API_KEY', '0123', 'apiKey', '0123'],
    ['AGENT_BUS_DATA_DIR', '1', 'dataDir', '1'],
    ['AGENT_BUS_LOG_LEVEL', 'warn', 'logLevel', 'warn'],
    ['AGENT_BUS_ALLOWED_HOSTS', 'agent-bus, ::1', 'allowedHosts', ['agent-bus', '::1']],
    ['AGENT_BUS_CORS_ORIGINS', 'https://a.example', 'corsOrigins', ['https://a.example']],
  ])('%s=%s is read by the kind of the key', (name, text, key, value) => {
    expect(loadConfig({ env: { [name]: text } })).toHaveProperty(key, value);
  });

  it.each([
    ['AGENT_BUS_PORT', '80x', 'a whole number from 0 to 65535, not "80x"'],
    ['AGENT_BUS_PORT', '65536', 'a whole number from 0 to 65535, not 65536'],
    ['AGENT_BUS_PORT', '-1', 'a whole number from 0 to 65535, not "-1"'],
    ['AGENT_BUS_PORT', '1e3', 'a whole number from 0 to 65535, not "1e3"'],
    ['AGENT_BUS_PORT', '', 'a whole number from 0 to 65535, not ""'],
    [
      'AGENT_BUS_ALLOWED_HOSTS',
      'a:80',
      'a list of host names or addresses without a port, as text with commas, not ["a:80"]',
    ],
    [
      'AGENT_BUS_ALLOWED_ORIGINS',
      'https://a/b',
      'a list of origins (`https://app.example.com`), as text with commas, not ["https://a/b"]',
    ],
    ['AGENT_BUS_CORS_ORIGINS', '*', 'a list of origins (`https://app.example.com`), as text with commas, not ["*"]'],
    ['AGENT_BUS_AUTO_ADVANCE', 'yes', 'true or false, not "yes"'],
    ['AGENT_BUS_AUTO_ADVANCE', 'TRUE', 'true or false, not "TRUE"'],
    ['AGENT_BUS_LOG_LEVEL', 'loud', 'one of silent, fatal, error, warn, info, debug, trace, not "loud"'],
    ['AGENT_BUS_ACK_TIMEOUT', '0', 'milliseconds or a whole number with ms, s, m, h or d (`30s`), at most 365d, not 0'],
    ['AGENT_BUS_ACK_TIMEOUT', '30 s', 'at most 365d, not "30 s"'],
    ['AGENT_BUS_ACK_TIMEOUT', '366d', 'at most 365d, not "366d"'],
    ['AGENT_BUS_HOST', '', 'a text of 1 to 255 characters, not ""'],
  ])('%s=%s is refused, with key, place and what is expected', (name, text, expected) => {
    const [fault, ...more] = faults({ env: { [name]: text } });
    expect(more).toEqual([]);
    const key = settings.find(({ environmentName }) => environmentName === name)?.key;
    expect(fault).toMatch(new RegExp(`^/${key} environment variable ${name} must be `));
    expect(fault).toContain(expected);
  });

  it('never shows a key that is not valid', () => {
    const [fault] = faults({ env: { AGENT_BUS_API_KEY: 'my secret' } });
    expect(fault).toMatch(/^\/apiKey environment variable AGENT_BUS_API_KEY must be a text of 1 to 512 characters/);
    expect(fault).not.toContain('my secret');
  });
});

describe('faults', () => {
  it('are all reported at once, in the order of the sources', () => {
    const found = faults({
      file: fileWith('{ "port": "8080", "hots": "x" }'),
      env: { AGENT_BUS_PROT: '1', AGENT_BUS_MAX_PAYLOAD: '1' },
      flags: { '--registration': 'never' },
    });
    expect(found).toEqual([
      expect.stringMatching(/^\/port key port in .*\.json must be a whole number from 0 to 65535, not "8080"$/),
      expect.stringMatching(/^\/hots key hots in .*\.json is unknown; did you mean host\?$/),
      '/AGENT_BUS_PROT environment variable AGENT_BUS_PROT is unknown; did you mean AGENT_BUS_PORT?',
      '/maxPayload environment variable AGENT_BUS_MAX_PAYLOAD must be a whole number from 1024 to 16777216, not 1',
      '/registration flag --registration must be one of auto, required, not "never"',
    ]);
  });

  it('say so when no name is near', () => {
    expect(faults({ env: { AGENT_BUS_COLOUR_OF_THE_BIKE_SHED: 'x' } })).toEqual([
      '/AGENT_BUS_COLOUR_OF_THE_BIKE_SHED environment variable AGENT_BUS_COLOUR_OF_THE_BIKE_SHED is unknown; no setting has this name',
    ]);
  });

  it('explain what Kubernetes puts into the environment', () => {
    expect(faults({ env: { AGENT_BUS_SERVICE_HOST: '10.0.0.1' } })[0]).toContain('enableServiceLinks: false');
  });

  it.each([
    ['no file', () => join(folder, 'absent.json'), 'absent.json cannot be read (ENOENT)'],
    ['a folder', () => folder, 'cannot be read (EISDIR)'],
    ['no JSON', () => fileWith('{ port: 1 }'), 'is not JSON: see its character 3'],
    ['no object', () => fileWith('[]'), 'must hold one JSON object'],
    ['null', () => fileWith('null'), 'must hold one JSON object'],
  ])('name the configuration file: %s', (_, path, message) => {
    const file = path();
    expect(faults({ file })[0]).toContain(file);
    expect(faults({ file })[0]).toContain(message);
  });

  it.each(['{ "apiKey": abk_secret }', '{"apiKey":"abk_secret", }', 'abk_secret', '{ "apiKey": "abk_secret'])(
    'say nothing of what stands in a configuration file that is no JSON: %s',
    (text) => {
      const file = fileWith(text);
      expect(faults({ file }).join()).toContain('is not JSON');
      expect(faults({ file }).join()).not.toMatch(/abk|secret/);
    },
  );

  it('include a __proto__ key in the file', () => {
    expect(faults({ file: fileWith('{ "__proto__": { "port": 1 } }') })[0]).toContain('__proto__');
  });
});

describe('values that cannot hold together', () => {
  const key = 'ab'.repeat(32);

  it('refuse encryption without a key, and a key without encryption', () => {
    expect(faults({ flags: { '--encryption-enabled': 'true' } })).toEqual([
      expect.stringMatching(
        /^\/encryptionEnabled flag --encryption-enabled needs encryptionKey \(AGENT_BUS_ENCRYPTION_KEY\)/,
      ),
    ]);
    expect(faults({ env: { AGENT_BUS_ENCRYPTION_KEY: key, AGENT_BUS_ENCRYPTION_KEY_FILE: '/key' } })).toEqual([
      expect.stringMatching(/^\/encryptionKeyFile .* beside encryptionKey: one of them$/),
      expect.stringMatching(/^\/encryptionKey .*AGENT_BUS_ENCRYPTION_KEY is of no use without encryptionEnabled/),
      expect.stringMatching(
        /^\/encryptionKeyFile .*AGENT_BUS_ENCRYPTION_KEY_FILE is of no use without encryptionEnabled/,
      ),
    ]);
  });

  it('refuse a bus key that would be made beside what is encrypted', () => {
    const options: Config = { encryptionEnabled: true, encryptionKey: key, persistenceEnabled: true };
    expect(faultsOf(() => resolveOptions(options))).toEqual([expect.stringMatching(/^\/apiKey apiKey must be set/)]);
    expect(resolveOptions({ ...options, apiKey: 'dev-key' }).encryptionKey).toBe(key);
    expect(resolveOptions({ ...options, persistenceEnabled: false }).encryptionKey).toBe(key);
  });

  it.each(['x', key.slice(1), `${key}0`, `${key},`, `${key},x`, `${key} ${key}`, 'g'.repeat(64), 'a'.repeat(44)])(
    'never show an encryption key that is none: %s',
    (encryptionKey) => {
      const [fault] = faultsOf(() => resolveOptions({ encryptionEnabled: true, encryptionKey }));
      expect(fault).toMatch(
        /^\/encryptionKey option encryptionKey must be .* 32 bytes as 64 hex digits .*, not what was given$/,
      );
    },
  );

  it('refuse a retention shorter than the dedupe window, naming both and where they came from', () => {
    expect(faults({ env: { AGENT_BUS_RETENTION: '1h' } })).toEqual([
      '/retention retention (3600000 ms, environment variable AGENT_BUS_RETENTION) must not be shorter than dedupeWindow (86400000 ms, default of dedupeWindow)',
    ]);
    expect(resolveOptions({ retention: '1h', dedupeWindow: '1h' }).retention).toBe(3_600_000);
  });
});

describe('providers', () => {
  const local = { kind: 'openai-compatible', baseURL: 'http://127.0.0.1:11434/v1' } as const;
  const providers = { openai: { kind: 'openai', apiKeyEnv: 'OPENAI_API_KEY', models: ['gpt-4o'] }, local } as const;

  it('come from a file, or as JSON from the environment or a flag', () => {
    const text = JSON.stringify(providers);
    for (const sources of [
      { file: fileWith(JSON.stringify({ providers })) },
      { env: { AGENT_BUS_PROVIDERS: text } },
      { flags: { '--providers': text } },
    ]) {
      expect(loadConfig(sources).providers).toEqual(providers);
    }
    expect(resolveOptions({ providers: { local } }).providers).toEqual({ local });
  });

  it.each([
    [{ x: { kind: 'gpt' } }, '/x/kind must be one of openai, anthropic, openai-compatible'],
    [{ x: { kind: 'openai' } }, "/x must have required property 'apiKeyEnv'"],
    [{ x: { kind: 'openai-compatible' } }, "/x must have required property 'baseURL'"],
    [{ x: { ...local, apiKey: 'sk-secret' } }, '/x/apiKey unknown field "apiKey"'],
    [{ x: { ...local, apiKeyEnv: 'sk-secret' } }, '/x/apiKeyEnv must be the name of an environment variable'],
    [{ x: { ...local, baseURL: 'http://me:sk-secret@host/v1' } }, '/x/baseURL must begin with http:// or https://'],
    [{ x: { ...local, timeout: '6m' } }, 'the timeout of x must be at most 5m'],
    [{ x: { ...local, maxReplyBytes: 2 ** 30 } }, '/x/maxReplyBytes must be <= 67108864'],
    [{ '1': local }, 'must be named with 1 to 64 of'],
    ['sk-secret', 'must be a JSON object'],
    [[], 'must be object'],
  ])('are refused with the place and the reason, and without what stands there: %j', (wrong, reason) => {
    const text = JSON.stringify(wrong);
    for (const sources of [{ file: fileWith(`{ "providers": ${text} }`) }, { env: { AGENT_BUS_PROVIDERS: text } }]) {
      const [fault = '', ...more] = faults(sources);
      expect(more).toEqual([]);
      expect(fault).toContain(reason);
      expect(fault).toMatch(/^\/providers/);
      expect(fault).not.toContain('sk-secret');
    }
  });

  it('are no other text than JSON', () => {
    expect(faults({ env: { AGENT_BUS_PROVIDERS: '{ openai }' } })).toEqual([
      '/providers environment variable AGENT_BUS_PROVIDERS must be a JSON object',
    ]);
  });
});

describe('options of an embedded bus', () => {
  it('take the tutorial as printed', () => {
    const options: Config = {
      port: 8080,
      host: 'localhost',
      maxConnections: 100,
      heartbeatInterval: 30000,
      messageTimeout: 300000,
      persistenceEnabled: false,
      encryptionEnabled: false,
      apiKey: 'dev-key',
    };
    expect(resolveOptions(options)).toMatchObject(options);
  });

  it('may be a resolved configuration', () => {
    const config = loadConfig({ env: { AGENT_BUS_API_KEY: 'k' } });
    expect(resolveOptions(config)).toEqual(config);
  });

  it('are never read from text', () => {
    const options = { port: '8080' } as unknown as Config;
    expect(faultsOf(() => resolveOptions(options))).toEqual([
      '/port option port must be a whole number from 0 to 65535, not "8080"',
    ]);
  });

  it('refuse unknown names and pass over what is undefined', () => {
    const options = { dataDirectory: 'x', apiKey: undefined } as unknown as Config;
    expect(faultsOf(() => resolveOptions(options))).toEqual([
      '/dataDirectory option dataDirectory is unknown; no setting has this name',
    ]);
  });
});
