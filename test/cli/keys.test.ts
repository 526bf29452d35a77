import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runToEnd, type ServerProcess, startServer } from '../support/server-process.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'agent-bus-keys-'));
let server: ServerProcess;

beforeAll(async () => {
  server = await startServer(['--persistence-enabled', '--data-dir', dataDir]);
});
afterAll(async () => {
  server.kill('SIGTERM');
  await server.exited;
  rmSync(dataDir, { recursive: true });
});

/** With the key that the bus has made. */
const keys = (...args: string[]) =>
  runToEnd(['keys', ...args, '--data-dir', dataDir, '--port', new URL(server.url).port]);

const statusWith = async (secret: string): Promise<number> =>
  (await fetch(`${server.url}/agents`, { headers: { 'x-agent-api-key': secret } })).status;

describe('agent-bus keys', () => {
  it('creates a key: its secret is all that stdout gets', async () => {
    const { code, stdout, stderr } = await keys(
      'create',
      '--workspace',
      'team-a',
      '--user',
      'ann',
      '--scopes',
      'send,receive',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^abw_[\w-]{32}\n$/) });
    expect(stderr).toMatch(/^key_\w+: workspace team-a of user ann; send, receive; expires never\n/);
    expect(stderr).not.toContain(stdout.trim());
    expect(await statusWith(stdout.trim())).toBe(200);
  });

  it('lists, rotates and revokes it', async () => {
    const made = await keys('create', '--workspace', 'team-b', '--name', 'CI');
    const [id = ''] = /^key_\w+/.exec(made.stderr) ?? [];
    const rotated = await keys('rotate', id, '--overlap', '0s');
    expect([await statusWith(made.stdout.trim()), await statusWith(rotated.stdout.trim())]).toEqual([401, 200]);
    const listed = await keys('list', '--workspace', 'team-b');
    expect(listed.stdout).toMatch(new RegExp(`^KEY .*\n${id} .* never .* ${rotated.stdout.slice(0, 8)} +CI\n$`));
    expect(await keys('revoke', id)).toMatchObject({ code: 0, stdout: '', stderr: 'The key is revoked.\n' });
    expect(await statusWith(rotated.stdout.trim())).toBe(401);
    expect((await keys('list', '--workspace', 'team-b')).stdout).not.toContain(id);
  });

  it('lists all pages of them', async () => {
    const keyOf = (key_id: string) => ({
      key_id,
      workspace_id: 'default',
      scopes: ['send'],
      expires_at: null,
      secrets: [],
    });
    const pages = createServer(({ url = '' }, response) => {
      const isSecond = url.endsWith('&after=k%201');
      const page = isSecond ? { items: [keyOf('key_2')] } : { items: [keyOf('key_1')], next: 'k 1' };
      response.end(JSON.stringify({ success: true, ...page }));
    }).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    onTestFinished(() => void pages.close());
    const { port } = pages.address() as AddressInfo;
    const { stdout } = await runToEnd(['keys', 'list', '--port', String(port), '--api-key', 'any']);
    expect(stdout).toMatch(/^KEY .*\nkey_1 .*\nkey_2 .*\n$/);
  });

  it('makes none with a name that could turn a terminal about', async () => {
    for (const name of ['a\u009b31m', 'a\u202eb']) {
      const { code, stderr } = await keys('create', '--name', name);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('VALIDATION_FAILED name: ') });
    }
  });

  it('says what the bus says where that refuses', async () => {
    expect(await keys('revoke', 'key_none')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'agent-bus: KEY_NOT_FOUND: There is no key key_none; GET /keys lists them.\n',
    });
    const { code, stderr } = await keys('create', '--scopes', 'all');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'agent-bus: VALIDATION_FAILED scopes/0: must be one of send, receive, sessions, admin\n',
    });
    const port = new URL(server.url).port;
    const wrong = await runToEnd(['keys', 'list', '--port', port], { env: { AGENT_BUS_API_KEY: 'wrong' } });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('UNAUTHORIZED') });
    expect(wrong.stderr).not.toContain('wrong');
  });

  it('ends with 2 for a wrong command line, before it asks', async () => {
    expect(await keys('delete')).toMatchObject({ code: 2, stdout: '' });
    expect(await keys()).toMatchObject({ code: 2 });
  });

  it('ends with 1 where there is no key to ask with, or nobody answers', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'agent-bus-keys-'));
    const without = await runToEnd(['keys', 'list', '--data-dir', empty]);
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('Set AGENT_BUS_API_KEY') });
    rmSync(empty, { recursive: true });
    const nobody = await runToEnd(['keys', 'list', '--port', '1', '--data-dir', dataDir]);
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('does not answer') });
  });
});
