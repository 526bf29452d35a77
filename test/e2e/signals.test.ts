import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  mainFile,
  type ProcessOptions,
  type ServerProcess,
  startServer,
  withPreload,
} from '../support/server-process.ts';

let folder: string;
let server: ServerProcess;
let socket: Socket | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-bus-signals-'));
});
afterEach(async () => {
  socket?.destroy();
  server.kill('SIGKILL');
  await server.exited;
  rmSync(folder, { recursive: true });
});

async function start(args: string[] = [], options?: ProcessOptions): Promise<void> {
  server = await startServer(['--persistence-enabled', '--data-dir', folder, ...args], options);
}

/** A request whose body never ends: something that a graceful stop waits for. */
async function openEndlessRequest(): Promise<void> {
  const { hostname, port } = new URL(server.url);
  socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  socket.write('POST /messages/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
  // Answered after what was written before it on another connection was read.
  await fetch(`${server.url}/health`);
}

const apiKey = 'dev-key';

/** One message to an agent that nobody asks for; registers it where it is not. */
async function send(payload: object): Promise<{ success: boolean; code?: string }> {
  const headers = { 'content-type': 'application/json', 'x-agent-api-key': apiKey };
  const post = (path: string, body: object) =>
    fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const envelope = {
    sender: { agent_id: 'test://sender' },
    recipient: { agent_id: 'test://receiver' },
    message_type: 'status_update',
    payload,
  };
  let response = await post('/messages/send', envelope);
  if (response.status === 404) {
    await post('/agents/register', { agent_descriptor: { agent_id: 'test://receiver', capabilities: [] } });
    response = await post('/messages/send', envelope);
  }
  return (await response.json()) as { success: boolean; code?: string };
}

describe('agent-bus serve', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('stops gracefully on %s, with 0', async (signal) => {
    await start();
    server.kill(signal);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.logLines().map(({ msg }) => msg)).toEqual(expect.arrayContaining(['stopping', 'stopped']));
  });

  it('ends at once, with 1, on a second signal', async () => {
    await start(['--shutdown-timeout', '1h']);
    await openEndlessRequest();
    server.kill('SIGTERM');
    await expect.poll(() => server.stderr).toContain('"stopping"');
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 1, signal: null });
  });

  it('ends within shutdownTimeout, whatever a client does', async () => {
    await start(['--shutdown-timeout', '500ms']);
    await openEndlessRequest();
    const begin = Date.now();
    server.kill('SIGTERM');
    await server.exited;
    expect(Date.now() - begin).toBeLessThan(3_000);
  });

  it('logs an error that nobody caught, stops and ends with 1', async () => {
    const command = withPreload("process.on('SIGWINCH', () => { throw new Error('boom') })");
    await start([], { command });
    server.kill('SIGWINCH');
    expect(await server.exited).toEqual({ code: 1, signal: null });
    const fatal = server.logLines().find(({ level }) => level === 60);
    expect(fatal).toMatchObject({ err: { message: 'boom', stack: expect.stringContaining('boom') } });
  });

  it('answers STORE_FAILED and ends with 1 when the disk takes no more', async () => {
    // The shell counts in blocks of 512 bytes: no file may grow beyond 1 MiB.
    const command = ['sh', '-c', 'ulimit -f 2048 && exec "$0" "$@"', process.execPath, mainFile];
    await start(['--api-key', apiKey, '--max-payload', '100000'], { command });
    const refusals: unknown[] = [];
    while (refusals.length === 0) {
      const answer = await send({ padding: 'x'.repeat(90_000) });
      if (!answer.success) refusals.push(answer.code);
    }
    expect(refusals).toEqual(['STORE_FAILED']);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.logLines().some(({ level }) => level === 60)).toBe(true);
  });
});
