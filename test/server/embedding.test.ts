// What a program that embeds the bus may do wrong, or in an order that nobody thought of.
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Config } from '../../src/protocol/types.gen.ts';
import { CommunicationBus } from '../../src/server.ts';

const key = { 'x-agent-api-key': 'dev-key' };

function newBus(options: Config = {}) {
  const bus = new CommunicationBus({ port: 0, apiKey: 'dev-key', logLevel: 'silent', ...options });
  onTestFinished(() => bus.stop());
  return bus;
}

const isRunning = (bus: CommunicationBus): boolean => {
  try {
    return Boolean(bus.sessionManager);
  } catch {
    return false;
  }
};

function expectWarning(message: string) {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  onTestFinished(() => {
    expect(emitWarning.mock.calls.map(([warning]) => (warning as Error).message)).toEqual([message]);
    emitWarning.mockRestore();
  });
}

describe('starts and stops in a row', () => {
  it('end as the last call says: a start between two stops is stopped', async () => {
    const bus = newBus();
    await bus.start();
    const first = bus.stop();
    const started = bus.start();
    await bus.stop();
    await Promise.all([first, started]);
    expect(isRunning(bus)).toBe(false);
  });

  it('lose no start that waits behind one that fails', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const bus = newBus({ port: (taken.address() as AddressInfo).port });
    const failing = bus.start();
    const stopped = bus.stop();
    const second = bus.start();
    await expect(failing).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    taken.close();
    expect(bus.start()).toBe(second);
    await bus.stop();
    await Promise.allSettled([stopped, second]);
    expect(isRunning(bus)).toBe(false);
  });
});

describe('a start on an address that the machine has not', () => {
  it('is refused like any configuration that cannot be', async () => {
    const bus = newBus({ host: '192.0.2.1', apiKey: 'x'.repeat(32) });
    await expect(bus.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: [{ path: '/host' }] });
  });
});

describe('the session manager of a bus that was stopped', () => {
  it.each(['default', 'never-named-before'])('takes no session into the workspace %s', async (workspaceId) => {
    const bus = newBus();
    await bus.start();
    const sessions = bus.sessionManager;
    await bus.stop();
    expect(() => sessions.createSession({ workspaceId })).toThrow(expect.objectContaining({ code: 'SHUTTING_DOWN' }));
  });
});

describe('listeners of a bus', () => {
  it('that throw keep nothing from the next one', async () => {
    expectWarning('a broken listener');
    const bus = newBus();
    await bus.start();
    const heard: string[] = [];
    bus.on('session_created', () => {
      throw new Error('a broken listener');
    });
    bus.on('session_created', ({ sessionId }) => heard.push(sessionId));
    bus.sessionManager.createSession({ sessionId: 'sess_1' });
    expect(heard).toEqual(['sess_1']);
  });

  it('that reject end no process', async () => {
    expectWarning('a broken promise');
    const bus = newBus();
    await bus.start();
    bus.on('session_created', async () => {
      throw new Error('a broken promise');
    });
    bus.sessionManager.createSession();
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('change nothing for each other, nor for who follows the events over HTTP', async () => {
    const bus = newBus();
    const { url } = await bus.start();
    const sessionId = bus.sessionManager.createSession({ sessionId: 'sess_1' });
    await bus.sessionManager.settled(sessionId);
    const contexts: unknown[] = [];
    bus.on('recorded', (event) => {
      if (event.type === 'context_updated') event.data.context = { changed: 'by a listener' };
    });
    bus.on('recorded', (event) => event.type === 'context_updated' && contexts.push(event.data.context));
    const stop = new AbortController();
    const headers = { ...key, accept: 'text/event-stream' };
    const following = await fetch(`${url}/sessions/sess_1/events`, { headers, signal: stop.signal });
    let text = '';
    for await (const chunk of following.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('context_updated')) break;
      // The stream has caught up: what comes now it gets from the same hands as the listeners.
      if (text.includes('session_created')) bus.sessionManager.updateSharedContext(sessionId, { branch: 'main' });
    }
    stop.abort();
    expect(text).toContain('{"branch":"main"}');
    expect(contexts).toEqual([{ branch: 'main' }]);
  });
});
