// Encryption at rest as an operator uses it: keys in the environment or a file, a change of the key under load, nothing in the clear.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommunicationBus } from '../../src/server.ts';
import { runToEnd, type ServerProcess, startServer } from '../support/server-process.ts';

const oldKey = 'a1'.repeat(32);
const newKey = 'b2'.repeat(32);
const busKey = 'CANARY-bus-key-7f3a';
const canary = 'CANARY';
const receiver = 'test://receiver';

let root: string;
let data: string;
let keyFile: string;
let running: ServerProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agent-bus-encryption-'));
  data = join(root, 'data');
  keyFile = join(root, 'key');
});
afterEach(async () => {
  for (const server of running) server.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
  running = [];
  rmSync(root, { recursive: true });
});

const giveKeys = (...keys: string[]) => writeFileSync(keyFile, keys.join('\n'), { mode: 0o600 });
const flags = () => [
  ...['--encryption-enabled', '--encryption-key-file', keyFile, '--data-dir', data, '--api-key', busKey],
  // One sender has more for one receiver here than agents have.
  ...['--max-pair-rate', '0'],
  ...['--providers', '{"nobody":{"kind":"openai-compatible","baseURL":"http://127.0.0.1:1/v1"}}'],
];
const command = (name: string, ...args: string[]) => runToEnd([name, ...flags(), ...args]);

async function serve(...keys: string[]) {
  giveKeys(...keys);
  const server = await startServer(['--persistence-enabled', ...flags()]);
  running.push(server);
  const call = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json', 'x-agent-api-key': busKey };
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { server, call };
}
type Call = Awaited<ReturnType<typeof serve>>['call'];

const register = (call: Call) =>
  call('POST', '/agents/register', {
    agent_descriptor: { agent_id: receiver, capabilities: [`${canary}-capability`] },
  });

async function sendMany(call: Call, prefix: string, batches: number): Promise<string[]> {
  const accepted: string[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const messages = Array.from({ length: 100 }, (_, index) => ({
      message_id: `${prefix}-${batch}-${index}`,
      sender: { agent_id: 'test://sender' },
      recipient: { agent_id: receiver },
      message_type: 'status_update',
      payload: { secret: `${canary}-payload`, padding: 'x'.repeat(500) },
    }));
    const { body } = await call('POST', '/messages/batch', { messages });
    expect((body.items as { success: boolean }[]).filter(({ success }) => success)).toHaveLength(100);
    accepted.push(...messages.map(({ message_id }) => message_id));
  }
  return accepted;
}

/** Takes some messages, and acks them where asked to. */
async function pull(call: Call, count = Number.POSITIVE_INFINITY, isAcked = false): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const max = Math.min(1_000, count - ids.length);
    const { body } = await call('GET', `/agents/${receiver}/messages?max=${max}&lease=10m`);
    const items = body.items as { message_id: string; envelope: { payload: { secret: string } } }[];
    if (items.length === 0) break;
    for (const { message_id, envelope } of items) {
      expect(envelope.payload.secret).toBe(`${canary}-payload`);
      ids.push(message_id);
    }
    const ack = (id: string) => call('POST', `/agents/${receiver}/messages/${id}/ack`);
    if (isAcked) await Promise.all(items.map(({ message_id }) => ack(message_id)));
  }
  return ids;
}

const question = `${canary}-question`;
const answer = `${canary}-answer`;

/** A turn with an agent, and one whose model cannot be reached. */
async function talk(call: Call): Promise<void> {
  const agentId = 'test://helper';
  await call('POST', '/sessions/s/chats', { chat_id: 'c', name: `${canary}-chat`, agent_id: agentId });
  const said = call('POST', '/sessions/s/chats/c/messages', { content: question });
  const { body } = await call('GET', `/agents/${agentId}/messages?wait=20s`);
  const [asked] = body.items as { message_id: string; envelope: { payload: { content: string } } }[];
  expect(asked?.envelope.payload.content).toBe(question);
  await call('POST', '/messages/send', {
    sender: { agent_id: agentId, session_id: 's' },
    recipient: { agent_id: 'chat://c' },
    message_type: 'task_response',
    payload: { content: answer },
    metadata: { in_reply_to: asked?.message_id },
  });
  expect((await said).body).toMatchObject({ content: answer });
  const defaultModel = { provider: 'nobody', model: 'm', systemMessage: `${canary}-system` };
  await call('POST', '/sessions/s/chats', { chat_id: 'm', agent_config: { name: `${canary}-model`, defaultModel } });
  const failed = await call('POST', '/sessions/s/chats/m/messages', { content: question });
  expect(failed).toMatchObject({ status: 502, body: { code: 'PROVIDER_UNREACHABLE' } });
}

function filesWith(...texts: string[]): string[] {
  return readdirSync(data, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => texts.some((text) => readFileSync(path).includes(text)));
}

const logged = (server: ServerProcess, text: RegExp) => server.logLines().some(({ msg }) => text.test(String(msg)));
async function saysThatKeyIsDone(server: ServerProcess): Promise<void> {
  await expect.poll(() => logged(server, /no other is needed/), { timeout: 20_000 }).toBe(true);
}
async function end(server: ServerProcess, signal: NodeJS.Signals): Promise<void> {
  server.kill(signal);
  await server.exited;
}

describe('an encrypted server', () => {
  it('leaves nothing in the clear, at work, after kill -9, and in a backup', async () => {
    const { server, call } = await serve(oldKey);
    await register(call);
    const context = { secret: `${canary}-context` };
    await call('POST', '/sessions', { session_id: 's', orchestrator: 'test://sender', shared_context: context });
    const ids = await sendMany(call, 'a', 8);
    // More than what waits for company on its way to the tables.
    expect(await pull(call, 600, true)).toHaveLength(600);
    await talk(call);
    expect(filesWith(canary, oldKey)).toEqual([]);
    await end(server, 'SIGKILL');
    expect(filesWith(canary, oldKey)).toEqual([]);
    const copy = join(root, 'copy');
    expect(await runToEnd(['backup', '--data-dir', data, copy])).toMatchObject({ code: 0 });
    data = copy;
    const after = await serve(oldKey);
    expect((await after.call('GET', '/sessions/s')).body).toMatchObject({ session: { shared_context: context } });
    const { body } = await after.call('GET', '/sessions/s/chats/c/history');
    expect(body.items).toMatchObject([{ content: question }, { content: answer }]);
    expect(await pull(after.call)).toHaveLength(ids.length - 600);
    await end(after.server, 'SIGTERM');
    expect(filesWith(canary, oldKey)).toEqual([]);
  });

  it('refuses to start with a wrong key, without one, and on a store that is not encrypted', async () => {
    const { server } = await serve(oldKey);
    await end(server, 'SIGTERM');
    giveKeys(newKey);
    const wrong = await command('serve', '--persistence-enabled', '--port', '0');
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toMatch(/^agent-bus: ENCRYPTION_KEY_WRONG: .* under key [0-9a-f]{16}, which was not given/);
    const without = await runToEnd(['serve', '--persistence-enabled', '--port', '0', '--data-dir', data]);
    expect(without.stderr).toMatch(/ENCRYPTION_KEY_WRONG: .* is encrypted; set encryptionEnabled/);
    data = join(root, 'plain');
    await end(await startServer(['--persistence-enabled', '--data-dir', data, '--api-key', busKey]), 'SIGTERM');
    const plain = await command('serve', '--persistence-enabled', '--port', '0');
    expect(plain.stderr).toMatch(/STORE_NOT_ENCRYPTED: .* choose another data directory/);
  });
});

describe('a change of the key', () => {
  it('under load, killed in the middle, loses nothing, and the old key is of no use afterwards', async () => {
    const before = await serve(oldKey);
    await register(before.call);
    const ids = await sendMany(before.call, 'before', 50);
    await end(before.server, 'SIGKILL');
    const during = await serve(newKey, oldKey);
    ids.push(...(await sendMany(during.call, 'during', 2)));
    expect(logged(during.server, /no other is needed/)).toBe(false);
    await end(during.server, 'SIGKILL');
    const resumed = await serve(newKey, oldKey);
    const seen: string[] = [];
    const [more] = await Promise.all([
      sendMany(resumed.call, 'resumed', 8),
      pull(resumed.call, 200, true).then((some) => seen.push(...some)),
      saysThatKeyIsDone(resumed.server),
    ]);
    ids.push(...more);
    await end(resumed.server, 'SIGKILL');
    giveKeys(oldKey);
    expect((await command('serve', '--persistence-enabled', '--port', '0')).stderr).toMatch(/ENCRYPTION_KEY_WRONG/);
    const { server, call } = await serve(newKey);
    seen.push(...(await pull(call)));
    expect(seen.sort()).toEqual(ids.sort());
    expect(server.stderr).not.toContain('"level":50');
  }, 60_000);

  it('of a stopped bus is made by rekey, once', async () => {
    const { server, call } = await serve(oldKey);
    await register(call);
    const ids = await sendMany(call, 'a', 5);
    giveKeys(newKey, oldKey);
    expect(await command('rekey')).toMatchObject({ code: 1, stderr: expect.stringMatching(/STORE_IN_USE/) });
    await end(server, 'SIGTERM');
    expect(await command('rekey')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Everything in /) });
    expect(await command('rekey')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Nothing had to be done/) });
    expect(await pull((await serve(newKey)).call)).toEqual(ids);
  });
});

it('makes every file and folder for its owner only, whatever the umask', async () => {
  const umask = process.umask(0);
  try {
    const bus = new CommunicationBus({
      ...{ port: 0, persistenceEnabled: true, dataDir: data, logLevel: 'silent' },
    });
    const { url, apiKey = '' } = await bus.start();
    const agent_descriptor = { agent_id: receiver, capabilities: [] };
    await fetch(`${url}/agents/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-agent-api-key': apiKey },
      body: JSON.stringify({ agent_descriptor }),
    });
    const modes = () =>
      [data, ...readdirSync(data, { recursive: true, encoding: 'utf8' }).map((name) => join(data, name))].map(
        (path) => {
          const { mode } = statSync(path);
          return `${path.slice(root.length)} ${(mode & 0o777).toString(8)}`;
        },
      );
    expect(modes().sort()).toEqual([
      '/data 700',
      '/data/api-key 600',
      '/data/bus.mdb 600',
      '/data/bus.mdb-lock 600',
      '/data/journal 700',
      '/data/journal/00000001.log 600',
    ]);
    await bus.stop();
  } finally {
    process.umask(umask);
  }
});
