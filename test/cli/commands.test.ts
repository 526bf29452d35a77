import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { loadConfig } from '../../src/config/config.ts';
import { runToEnd } from '../support/server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-bus-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('agent-bus', () => {
  it('prints its version', async () => {
    expect(await runToEnd(['--version'])).toMatchObject({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });

  it('prints help, with a broken environment too', async () => {
    const { code, stdout } = await runToEnd(['health', '--help'], { env: { AGENT_BUS_PORT: 'x' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: agent-bus health /);
  });

  it.each([
    [['strat'], 'agent-bus: unknown command strat (agent-bus --help shows all)\n'],
    [['halth'], 'agent-bus: unknown command halth; did you mean health? (agent-bus --help shows all)\n'],
    [['serve', '--prot', '1'], 'agent-bus: unknown flag --prot; did you mean --port? (agent-bus --help shows all)\n'],
  ])('ends with 2 for the wrong command line %j', async (args, stderr) => {
    expect(await runToEnd(args)).toMatchObject({ code: 2, stdout: '', stderr });
  });

  it('ends with 1 and one line for each fault of the configuration', async () => {
    const env = { AGENT_BUS_PORT: 'x' };
    expect(await runToEnd(['serve', '--registration', 'never'], { env })).toMatchObject({
      code: 1,
      stdout: '',
      stderr:
        'agent-bus: CONFIG_INVALID port: environment variable AGENT_BUS_PORT must be a whole number from 0 to 65535, not "x"\n' +
        'agent-bus: CONFIG_INVALID registration: flag --registration must be one of auto, required, not "never"\n',
    });
  });
});

describe('agent-bus check-config', () => {
  it('refuses templates that serve would refuse', async () => {
    const { code, stdout, stderr } = await runToEnd(['check-config', '--templates', '/nowhere/templates.json']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^agent-bus: CONFIG_INVALID: template file \/nowhere\/templates.json cannot be read/);
  });

  it('prints the resolved configuration, the key masked', async () => {
    const file = join(folder, 'bus.json');
    writeFileSync(file, '{ "ackTimeout": "5s", "port": 1 }');
    const env = { AGENT_BUS_API_KEY: 'a-secret', AGENT_BUS_PORT: '2' };
    const { code, stdout } = await runToEnd(['check-config', '--config', file, '--port', '3'], { env });
    expect(code).toBe(0);
    const shown = JSON.parse(stdout);
    expect(shown).toMatchObject({ ackTimeout: '5s', retention: '7d', messageTimeout: '5m', port: 3, apiKey: '***' });
    // It is a configuration file of the same meaning.
    writeFileSync(file, JSON.stringify({ ...shown, apiKey: 'a-secret' }));
    expect(loadConfig({ file })).toEqual({ ...loadConfig({}), ackTimeout: 5_000, port: 3, apiKey: 'a-secret' });
  });

  it('masks the encryption key, and refuses a key file that serve would refuse', async () => {
    const key = 'ab'.repeat(32);
    const shown = await runToEnd(['check-config', '--encryption-enabled'], { env: { AGENT_BUS_ENCRYPTION_KEY: key } });
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(shown.stdout).encryptionKey).toBe('***');
    const absent = ['--encryption-key-file', join(folder, 'absent')];
    const refused = await runToEnd(['check-config', '--encryption-enabled', ...absent]);
    expect(refused.stderr).toMatch(
      /^agent-bus: CONFIG_INVALID encryptionKeyFile: the key file .* cannot be read \(ENOENT\)/,
    );
  });

  it('masks what may be secret in the URL of an issuer', async () => {
    const url = 'https://user:hidden@issuer.test/keys?token=hidden';
    const issuer = ['--jwt-issuer', 'https://issuer.test/', '--jwt-audience', 'bus', '--jwks-url', url];
    const { code, stdout } = await runToEnd(['check-config', ...issuer]);
    expect({ code, url: JSON.parse(stdout).jwksUrl }).toEqual({ code: 0, url: 'https://***:***@issuer.test/keys?***' });
  });

  it('refuses what serve would refuse: a weak key beyond loopback', async () => {
    const env = { AGENT_BUS_API_KEY: 'weak' };
    const { code, stdout, stderr } = await runToEnd(['check-config', '--host', '0.0.0.0'], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^agent-bus: CONFIG_INVALID apiKey: host 0\.0\.0\.0 .* at least 16 characters\n$/);
  });
});

describe('agent-bus health', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function answering(status: number): Promise<string> {
    server = createServer((request, response) => {
      response.writeHead(request.url === '/health' ? status : 404).end('{"success":true}');
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return String((server.address() as AddressInfo).port);
  }

  it('ends with 0 when the bus says that it is alive, asked at a wildcard host too', async () => {
    const env = { AGENT_BUS_PORT: await answering(200), AGENT_BUS_HOST: '0.0.0.0' };
    expect(await runToEnd(['health'], { env })).toMatchObject({ code: 0, stdout: '{"success":true}\n', stderr: '' });
  });

  it('ends with 1 when it says anything else', async () => {
    const port = await answering(503);
    const { code, stderr } = await runToEnd(['health', '--port', port]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `agent-bus: http://127.0.0.1:${port}/health answered 503: {"success":true}\n`,
    });
  });

  it('ends with 1 when nobody answers', async () => {
    const port = await answering(200);
    await new Promise((resolve) => server?.close(resolve));
    const { code, stdout, stderr } = await runToEnd(['health', '--port', port]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`http://127.0.0.1:${port}/health does not answer: connect ECONNREFUSED`);
  });
});
