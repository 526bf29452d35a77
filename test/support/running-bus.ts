// A whole bus that listens, and what tests do with it: call it over HTTP, connect to it, read its ledger.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import type { Config, Session } from '../../src/protocol/types.gen.ts';
import { CommunicationBus } from '../../src/server.ts';
import { type Frame, openRawSocket, SocketClient } from './socket-client.ts';

export const key = 'bus-key';
export const v1 = 'agent-bus.v1';
export const orchestrator = 'claude-code://orchestrator';
export const backend = 'opencode://backend';
export const frontend = 'codex://frontend';

export interface Connect {
  /** The subprotocol agent-bus.v1 where left out. */
  protocols?: string[];
  headers?: Record<string, string>;
  key?: string;
  path?: string;
}

/** Stopped when the test ends; what it logged as an error by then fails the test. */
export async function startBus(options: Config = {}) {
  const errors: Frame[] = [];
  const log = new Writable({
    write(line, _encoding, done) {
      errors.push(JSON.parse(String(line)));
      done();
    },
  });
  const bus = new CommunicationBus(
    { port: 0, apiKey: key, shutdownTimeout: 100, ...options },
    { logger: pino({ level: 'error' }, log) },
  );
  const { port, url } = await bus.start();
  onTestFinished(async () => {
    await bus.stop();
    expect(errors).toEqual([]);
  }, 6_000);
  const socketUrl = (agentId: string, path = '/') => `ws://127.0.0.1:${port}${path}?agent_id=${agentId}`;

  async function call(method: string, path: string, body?: unknown, as = key) {
    const response = await fetch(url + path, {
      method,
      headers: { 'x-agent-api-key': as, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : undefined) as Frame };
  }

  const connect = async (agentId: string, given: Connect = {}): Promise<SocketClient> => {
    const { protocols = [v1], key: as = key, path, headers = { 'x-agent-api-key': as } } = given;
    const client = await SocketClient.open(socketUrl(agentId, path), protocols, { headers });
    if (protocols.includes(v1)) await client.type('hello');
    return client;
  };

  return {
    bus,
    port,
    errors,
    call,
    connect,
    socketUrl,
    connectPlain: (agentId: string) => connect(agentId, { protocols: [] }),
    openRaw: (agentId: string, protocol?: string): Promise<import('node:net').Socket> =>
      openRawSocket(socketUrl(agentId), {
        'x-agent-api-key': key,
        ...(protocol !== undefined && { 'sec-websocket-protocol': protocol }),
      }),
    send: (envelope: unknown, as?: string) => call('POST', '/messages/send', envelope, as),
    /** @returns its token. */
    async register(agent_id: string, ...capabilities: string[]): Promise<string> {
      const { body } = await call('POST', '/agents/register', { agent_descriptor: { agent_id, capabilities } });
      return body.token;
    },
    async ledger(messageId: string): Promise<Frame> {
      return (await call('GET', `/messages/${messageId}`)).body.message;
    },
    /** The message, once it has this status. */
    async untilStatus(messageId: string, status: string): Promise<Frame> {
      return vi.waitFor(async () => {
        const { message } = (await call('GET', `/messages/${messageId}`)).body;
        expect(message?.status).toBe(status);
        return message;
      }, waiting);
    },
    agent: async (agentId: string): Promise<Frame> => (await call('GET', `/agents/${agentId}`)).body.agent,
    async untilOffline(agentId: string): Promise<void> {
      await vi.waitFor(async () => {
        expect((await call('GET', `/agents/${agentId}`)).body.agent.online).toBe(false);
      }, waiting);
    },
    session: (sessionId: string): Session | undefined => bus.sessionManager.getSession(sessionId),
  };
}

export const waiting = { timeout: 3_000, interval: 10 };

export type RunningBus = Awaited<ReturnType<typeof startBus>>;

/** An envelope with nothing that has a default but its id. */
export function envelope(message_id: string, from: string, to: string, more: object = {}): Frame {
  return {
    message_id,
    sender: { agent_id: from },
    recipient: { agent_id: to },
    message_type: 'task_request',
    payload: { say: message_id },
    ...more,
  };
}

export const noRetries = { retry_policy: { max_retries: 0, backoff: 'linear' } };
