import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import {
  type ProcessOptions,
  runToEnd,
  type ServerProcess,
  startServer,
  withPreload,
} from '../support/server-process.ts';

let folder: string;
let running: ServerProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-bus-serve-'));
});
afterEach(async () => {
  for (const server of running) server.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
  running = [];
  rmSync(folder, { recursive: true });
});

async function start(args: string[], options?: ProcessOptions): Promise<ServerProcess> {
  const server = await startServer(args, options);
  running.push(server);
  return server;
}

const curlLine = ({ stdout }: ServerProcess) => stdout.split('\n').find((line) => line.startsWith('  curl ')) ?? '';
const paste = (line: string, env = {}) => runToEnd(['-c', line.replace('curl', 'curl -sS')], { command: ['sh'], env });
const persistent = () => ['--persistence-enabled', '--data-dir', join(folder, 'data')];

describe('agent-bus serve', () => {
  it('prints where it listens and a curl line that works when pasted', async () => {
    const server = await start(persistent());
    expect(server.stdout).toContain(`agent-bus ${manifest.version} listens on ${server.url}\n`);
    const { code, stdout, stderr } = await paste(curlLine(server));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ success: true, items: [] });
  });

  it('makes a key at the first start, keeps it for its owner only and uses it again', async () => {
    const first = await start(persistent());
    const path = join(folder, 'data', 'api-key');
    const key = readFileSync(path, 'utf8').trim();
    expect(curlLine(first)).toContain(`"x-agent-api-key: ${key}"`);
    expect(first.stdout).toContain(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    first.kill('SIGTERM');
    await first.exited;
    expect(curlLine(await start(persistent()))).toContain(key);
  });

  it('never prints a configured key', async () => {
    const env = { AGENT_BUS_API_KEY: 'a-configured-key' };
    const server = await start(['--log-level', 'trace'], { env });
    expect(curlLine(server)).toContain('"x-agent-api-key: $AGENT_BUS_API_KEY"');
    expect(JSON.parse((await paste(curlLine(server), env)).stdout)).toMatchObject({ success: true });
    const refused = await fetch(`${server.url}/agents`, { headers: { 'x-agent-api-key': 'another' } });
    expect(refused.status).toBe(401);
    server.kill('SIGTERM');
    await server.exited;
    expect(server.stdout + server.stderr).not.toContain('a-configured-key');
  });

  it('logs JSON to stderr, one object a line, and nothing else to stdout', async () => {
    const stray = `process.on('SIGWINCH', () => {
      console.error('two\\nlines');
      console.log('a word');
      process.emitWarning('careful');
    })`;
    const server = await start(['--log-level', 'debug'], { command: withPreload(stray) });
    await fetch(`${server.url}/health`);
    server.kill('SIGWINCH');
    await expect.poll(() => server.stderr).toContain('careful');
    server.kill('SIGTERM');
    await server.exited;
    const lines = server.logLines();
    for (const line of lines) expect(line).toMatchObject({ level: expect.any(Number), time: expect.any(Number) });
    expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['two\nlines', 'a word', 'stopped']));
    expect(server.stdout.trim().split('\n')).toHaveLength(3);
  });

  it('says in one line when the port is busy, and ends with 1', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await runToEnd(['serve', '--port', String(port), ...persistent()]);
    other.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^agent-bus: PORT_IN_USE: [^\n]+\n$/);
    expect(stderr).toContain(String(port));
  });

  it('does not listen beyond loopback without a strong key', async () => {
    const { code, stdout, stderr } = await runToEnd(['serve', '--port', '0', '--host', '0.0.0.0', ...persistent()]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^agent-bus: CONFIG_INVALID apiKey: [^\n]+\n$/);
  });

  it('without persistence writes nothing', async () => {
    const server = await startServer([], { cwd: folder });
    running.push(server);
    expect(server.stdout).toContain('for this run only');
    expect(await paste(curlLine(server))).toMatchObject({ code: 0 });
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    const { stdout } = await runToEnd(['-A', folder], { command: ['ls'] });
    expect(stdout).toBe('');
  });
});
