// `agent-bus backup` as an operator uses it: on the data directory of a server that is at work.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runToEnd, type ServerProcess, startServer } from '../support/server-process.ts';

const receiver = 'test://receiver';
const mode = (path: string) => statSync(path).mode & 0o777;

interface Offer {
  message_id: string;
  envelope: { payload: { id: string } };
}

let root: string;
let data: string;
let copy: string;
let running: ServerProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agent-bus-backup-'));
  data = join(root, 'data');
  copy = join(root, 'copy');
});
afterEach(async () => {
  for (const server of running) server.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
  running = [];
  rmSync(root, { recursive: true });
});

async function serve(folder: string) {
  const server = await startServer(['--persistence-enabled', '--data-dir', folder]);
  running.push(server);
  const headers = {
    'content-type': 'application/json',
    'x-agent-api-key': readFileSync(join(folder, 'api-key'), 'utf8').trim(),
  };
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as { items: Offer[] } };
  };
  return { server, call };
}

type Call = Awaited<ReturnType<typeof serve>>['call'];

const register = (call: Call) =>
  call('POST', '/agents/register', { agent_descriptor: { agent_id: receiver, capabilities: ['test'] } });

const send = (call: Call, message_id: string) =>
  call('POST', '/messages/send', {
    message_id,
    sender: { agent_id: 'test://sender' },
    recipient: { agent_id: receiver },
    message_type: 'status_update',
    payload: { id: message_id, padding: 'x'.repeat(2_000) },
  });

const backup = (to = copy, from = data) => runToEnd(['backup', '--data-dir', from, to]);

/** All mail of the receiver. */
async function pullAll(call: Call): Promise<Offer[]> {
  const seen: Offer[] = [];
  for (;;) {
    const { items } = (await call('GET', `/agents/${encodeURIComponent(receiver)}/messages?max=100`)).body;
    if (items.length === 0) return seen;
    seen.push(...items);
  }
}

describe('agent-bus backup', () => {
  it('copies what was confirmed before it began, from a server under load, into a directory that serves it', async () => {
    const { server, call } = await serve(data);
    await register(call);
    await send(call, 'settled');
    await pullAll(call);
    expect((await call('POST', `/agents/${encodeURIComponent(receiver)}/messages/settled/ack`, {})).status).toBe(200);
    const session = await call('POST', '/sessions', { session_id: 'sess_kept' });
    expect(session.status).toBe(201);

    const confirmed: string[] = [];
    let sent = 0;
    let loading = true;
    const enough = 500;
    const load = Array.from({ length: 16 }, async () => {
      while (loading) {
        const id = `m_${sent++}`;
        if ((await send(call, id)).status === 202) confirmed.push(id);
        // Beside the backup, not in place of it.
        if (confirmed.length > enough) await delay(20);
      }
    });
    while (confirmed.length < enough) await delay(1);
    const before = [...confirmed];
    expect(await backup()).toMatchObject({ code: 0, stderr: '' });
    expect(confirmed.length).toBeGreaterThan(before.length);
    loading = false;
    await Promise.all(load);
    server.kill('SIGKILL');
    await server.exited;
    rmSync(data, { recursive: true });

    const restored = await serve(copy);
    const offers = await pullAll(restored.call);
    const ids = offers.map(({ message_id }) => message_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(before.filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids).not.toContain('settled');
    for (const { message_id, envelope } of offers) {
      expect(Number(message_id.slice(2))).toBeLessThan(sent);
      expect(envelope.payload).toEqual({ id: message_id, padding: 'x'.repeat(2_000) });
    }
    expect((await restored.call('GET', '/sessions/sess_kept')).status).toBe(200);
    expect((await send(restored.call, 'after')).status).toBe(202);
  }, 60_000);

  it('is for its owner only, says what it did, and leaves nothing in the data directory', async () => {
    const { server, call } = await serve(data);
    await register(call);
    const names = readdirSync(data);
    const { code, stdout } = await backup();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^Copied ${data} to ${copy} \\(\\d+\\.\\d MiB\\)\\.\\n {2}agent-bus serve .*--data-dir ${copy}\\n$`),
    );
    const journal = join(copy, 'journal');
    const files = readdirSync(journal).map((name) => join(journal, name));
    expect(files.length).toBeGreaterThan(0);
    expect([copy, journal].map(mode)).toEqual([0o700, 0o700]);
    expect(new Set([join(copy, 'bus.mdb'), join(copy, 'api-key'), ...files].map(mode))).toEqual(new Set([0o600]));
    expect(readdirSync(copy).sort()).toEqual(['api-key', 'bus.mdb', 'journal']);
    expect(readdirSync(data)).toEqual(names);
    expect(readdirSync(root).sort()).toEqual(['copy', 'data']);
    server.kill('SIGTERM');
    expect((await server.exited).code).toBe(0);
    expect((await backup(join(root, 'stopped'))).code).toBe(0);
  }, 30_000);

  it('refuses to overwrite, and leaves what is there alone', async () => {
    await serve(data);
    mkdirSync(copy);
    writeFileSync(join(copy, 'mine'), 'mine');
    expect(await backup()).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `agent-bus: BACKUP_FAILED: ${copy} exists; name a folder that does not.\n`,
    });
    expect(readdirSync(copy)).toEqual(['mine']);
  });

  it('says why it cannot write, and leaves no half of a copy', async () => {
    await serve(data);
    const { code, stderr } = await backup(join(root, 'absent', 'copy'));
    expect(code).toBe(1);
    expect(stderr).toContain(`BACKUP_FAILED: ${join(root, 'absent', 'copy')} could not be made: ENOENT`);
    expect(readdirSync(root)).toEqual(['data']);
  });

  it('refuses a directory that is none of a bus, and one of a newer version', async () => {
    expect((await backup()).stderr).toBe(
      `agent-bus: STORE_UNREADABLE: ${data}/bus.mdb does not exist; name the data directory with --data-dir.\n`,
    );
    mkdirSync(data);
    const path = join(data, 'bus.mdb');
    writeFileSync(path, 'not a store'.repeat(2_000));
    expect(await backup()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^agent-bus: STORE_UNREADABLE: .* cannot be opened/),
    });
    expect(readFileSync(path, 'utf8')).toBe('not a store'.repeat(2_000));
    rmSync(path);
    const store = open<Buffer, string>({ path, noSubdir: true, encoding: 'binary', maxDbs: 16 });
    await store.put('other', Buffer.from('1'));
    expect((await backup()).stderr).toContain('is no store of a bus');
    await store.put('format', Buffer.from('999'));
    await store.close();
    expect(await backup()).toMatchObject({ code: 1, stderr: expect.stringContaining('has format 999') });
    expect(existsSync(copy)).toBe(false);
  }, 20_000);

  it.each([[['backup']], [['backup', 'a', 'b']]])('ends with 2 for `%s`', async (args) => {
    expect(await runToEnd(args)).toMatchObject({
      code: 2,
      stderr: 'agent-bus: backup needs one <folder> (agent-bus --help shows all)\n',
    });
  });
});
