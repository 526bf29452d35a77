import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { runToEnd, type ServerProcess, startServer } from '../support/server-process.ts';

let folder: string;
let server: ServerProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-bus-https-'));
});
afterEach(async () => {
  server?.kill('SIGKILL');
  await server?.exited;
  server = undefined;
  rmSync(folder, { recursive: true });
});

const own = () => ({ tlsCert: join(folder, 'own.crt'), tlsKey: join(folder, 'own.key') });

function put(name: string, altNames?: string): void {
  const { files } = makeCertificate(folder, name, altNames);
  copyFileSync(files.tlsCert, own().tlsCert);
  copyFileSync(files.tlsKey, own().tlsKey);
}

async function start(args: string[] = []): Promise<ServerProcess> {
  const { tlsCert, tlsKey } = own();
  server = await startServer(['--tls-cert', tlsCert, '--tls-key', tlsKey, ...args]);
  return server;
}

const portOf = ({ url }: ServerProcess) => new URL(url).port;

/** The common name in the certificate that a new connection is shown. */
async function shownBy(bus: ServerProcess): Promise<unknown> {
  const socket = connect({ port: Number(portOf(bus)), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

describe('agent-bus serve with a certificate', () => {
  it.each([
    ['its address', undefined, '127.0.0.1'],
    ['the name localhost', 'DNS:localhost', 'localhost'],
  ])('prints a curl line that works when pasted, for one with %s', async (_what, altNames, name) => {
    put('first', altNames);
    const bus = await start();
    expect(bus.url).toBe(`https://${name}:${portOf(bus)}`);
    const line = bus.stdout.split('\n').find((text) => text.startsWith('  curl ')) ?? '';
    expect(line).toContain(`--cacert ${own().tlsCert}`);
    const { code, stdout } = await runToEnd(['-c', line.replace('curl', 'curl -sS')], { command: ['sh'] });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ success: true, items: [] });
  });

  it('reads it again on SIGHUP, keeps it where that fails, and stops on SIGTERM', async () => {
    put('first');
    const bus = await start();
    put('second');
    bus.kill('SIGHUP');
    await expect.poll(() => shownBy(bus)).toBe('second');
    rmSync(own().tlsKey);
    bus.kill('SIGHUP');
    await expect.poll(() => bus.stderr).toContain('the former one stays');
    expect(await shownBy(bus)).toBe('second');
    bus.kill('SIGTERM');
    expect(await bus.exited).toEqual({ code: 0, signal: null });
  });

  it('does not start with one that cannot be used, and check-config says so as well', async () => {
    put('first');
    rmSync(own().tlsKey);
    const { tlsCert, tlsKey } = own();
    const message = `agent-bus: CONFIG_INVALID tlsKey: the file of tlsKey, ${tlsKey} cannot be read (ENOENT)\n`;
    for (const command of ['serve', 'check-config']) {
      const ended = await runToEnd([command, '--port', '0', '--tls-cert', tlsCert, '--tls-key', tlsKey]);
      expect(ended).toEqual({ code: 1, signal: null, stdout: '', stderr: message });
    }
  });

  it('is asked for its health over HTTPS, whatever name the certificate has', async () => {
    put('elsewhere', 'DNS:bus.example.com');
    const bus = await start();
    const { tlsCert, tlsKey } = own();
    const args = ['health', '--port', portOf(bus), '--tls-cert', tlsCert, '--tls-key', tlsKey];
    expect(await runToEnd(args)).toMatchObject({ code: 0, stderr: '' });
    bus.kill('SIGTERM');
    await bus.exited;
    expect(await runToEnd(args)).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('agent-bus keys with a certificate', () => {
  const apiKey = 'canary-key-of-the-bus';

  const keys = (port: string | number, ...args: string[]) => {
    const { tlsCert, tlsKey } = own();
    const flags = ['--port', String(port), '--tls-cert', tlsCert, '--tls-key', tlsKey];
    return runToEnd(['keys', ...args, ...flags], { env: { AGENT_BUS_API_KEY: apiKey } });
  };

  /** Listens in place of the bus; `heard` is all that it was told, once nobody is connected any more. */
  async function impersonate({ files }: Certificate) {
    const told: Buffer[] = [];
    const listener = createServer({ cert: readFileSync(files.tlsCert), key: readFileSync(files.tlsKey) }, (socket) => {
      socket.on('data', (bytes) => told.push(bytes)).on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 29\r\n\r\n{"success": true, "items":[]}');
    });
    let callers = 0;
    listener.on('connection', () => callers++);
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const heard = async () => {
      await new Promise((resolve) => listener.close(resolve));
      return { callers, told: Buffer.concat(told).toString() };
    };
    return { port: (listener.address() as AddressInfo).port, heard };
  }

  it.each([
    ['its address', undefined],
    ['another name', 'DNS:bus.example.com'],
  ])('asks a bus whose certificate is for %s', async (_what, altNames) => {
    put('first', altNames);
    const port = portOf(await start(['--api-key', apiKey]));
    const made = await keys(port, 'create', '--workspace', 'team-a');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^abw_[\w-]{32}\n$/) });
    const [id = 'none'] = /^key_\w+/.exec(made.stderr) ?? [];
    expect(await keys(port, 'list')).toMatchObject({ code: 0, stdout: expect.stringContaining(id), stderr: '' });
  });

  it('tells its key to nobody who listens there with another certificate', async () => {
    put('first');
    const impostor = await impersonate(makeCertificate(folder, 'second'));
    const { stderr, ...ended } = await keys(impostor.port, 'list');
    expect(await impostor.heard()).toEqual({ callers: 1, told: '' });
    expect(ended).toEqual({ code: 1, signal: null, stdout: '' });
    // What Node says of the certificate is longer in later versions.
    expect(stderr.replace(/(?<=\(self-signed certificate)[^)]*/, '')).toBe(
      `agent-bus: NOT_RUNNING: https://127.0.0.1:${impostor.port} does not prove that it has the certificate of tlsCert (self-signed certificate); it was told nothing.\n`,
    );
  });

  it('tells it to none with a certificate of the same issuer either', async () => {
    const issuer = makeCertificate(folder, 'issuer');
    const mine = makeCertificate(folder, 'mine', undefined, issuer);
    writeFileSync(own().tlsCert, mine.ca + issuer.ca);
    copyFileSync(mine.files.tlsKey, own().tlsKey);
    const port = portOf(await start(['--api-key', apiKey]));
    expect(await keys(port, 'list')).toMatchObject({ code: 0 });
    const impostor = await impersonate(makeCertificate(folder, 'theirs', undefined, issuer));
    const ended = await keys(impostor.port, 'list');
    expect(await impostor.heard()).toEqual({ callers: 1, told: '' });
    expect(ended).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringContaining('does not prove that it has the certificate of tlsCert (it has another one)'),
    });
  });
});
