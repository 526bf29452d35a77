import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Bus } from '../src/bus/bus.ts';
import { buildApp } from '../src/http/app.ts';
import { systemClock } from '../src/ports/clock.ts';
import type { Config } from '../src/protocol/types.gen.ts';
import { CommunicationBus } from '../src/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

vi.mock('../src/http/app.ts', { spy: true });

/** The timers that are pending from now on, until the test ends. */
function watchTimers(): Set<symbol> {
  const { schedule } = systemClock;
  const pending = new Set<symbol>();
  const spy = vi.spyOn(systemClock, 'schedule').mockImplementation((delayMs, run) => {
    const timer = Symbol(`${delayMs} ms`);
    pending.add(timer);
    const cancel = schedule(delayMs, () => {
      pending.delete(timer);
      run();
    });
    return () => {
      pending.delete(timer);
      cancel();
    };
  });
  onTestFinished(() => spy.mockRestore());
  return pending;
}

async function start(options: Config) {
  const bus = new CommunicationBus({ port: 0, logLevel: 'silent', ...options });
  onTestFinished(() => bus.stop());
  return bus.start();
}

describe('a bus in a program', () => {
  it('tells its program the key that it made for this run', async () => {
    const { url, apiKey } = await start({});
    const status = async (key: string) =>
      (await fetch(`${url}/agents`, { headers: { 'x-agent-api-key': key } })).status;
    expect(await status(apiKey ?? '')).toBe(200);
    expect(await status('another')).toBe(401);
  });

  it('tells the key that it keeps as well, and never a configured one', async () => {
    const dataDir = temporaryFolder();
    const { apiKey } = await start({ persistenceEnabled: true, dataDir });
    expect(apiKey).toBe(readFileSync(join(dataDir, 'api-key'), 'utf8').trim());
    expect(await start({ apiKey: 'configured' })).not.toHaveProperty('apiKey');
  });
});

describe('a bus that cannot', () => {
  it('open its door leaves no timer behind, and can be started again', async () => {
    const timers = watchTimers();
    const bus = new CommunicationBus({ port: 0, logLevel: 'silent' });
    const fault = new Error('no door today');
    vi.mocked(buildApp).mockImplementationOnce(({ bus: opened }) => {
      opened.sessions.createSession({ name: 'ends some day' });
      expect(timers.size).toBeGreaterThan(0);
      throw fault;
    });
    await expect(bus.start()).rejects.toBe(fault);
    expect([...timers]).toEqual([]);
    await bus.start();
    await bus.stop();
    expect([...timers]).toEqual([]);
  });

  it('close all of itself says so, and closes what is left', async () => {
    const timers = watchTimers();
    const bus = new CommunicationBus({ port: 0, logLevel: 'silent' });
    await bus.start();
    const { close } = Bus.prototype;
    const fault = new Error('the last session could not be settled');
    vi.spyOn(Bus.prototype, 'close').mockImplementationOnce(async function (this: Bus) {
      await close.call(this);
      throw fault;
    });
    await expect(bus.stop()).rejects.toBe(fault);
    expect([...timers]).toEqual([]);
    await bus.stop();
    await bus.start();
    await bus.stop();
  });
});
