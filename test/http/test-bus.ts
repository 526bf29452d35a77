// A real bus on the memory store, for tests of the HTTP door.
import { Bus } from '../../src/bus/bus.ts';
import { resolveOptions } from '../../src/config/config.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

export const busKey = 'test-key';

export const config = resolveOptions({ apiKey: busKey });

/** `failures` collects what went wrong behind the answers. */
export function openTestBus(failures: unknown[] = []): Promise<Bus> {
  return Bus.open({
    store: createMemoryStore(),
    clock: systemClock,
    apiKey: busKey,
    messageTimeoutMs: 300_000,
    ackTimeoutMs: 30_000,
    offlineGraceMs: 10_000,
    sessionTimeoutMs: 3_600_000,
    retentionMs: 3_600_000,
    autoAdvance: true,
    rateLimit: 0,
    onError: (error) => failures.push(error),
  });
}
