// A real bus on the memory store, for tests of the HTTP door.
import { AuditTrail } from '../../src/bus/audit-trail.ts';
import { Bus, type BusOptions } from '../../src/bus/bus.ts';
import { resolveOptions } from '../../src/config/config.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

export const busKey = 'test-key';

export const config = resolveOptions({ apiKey: busKey });

export function openTestAudit(failures: unknown[] = []): AuditTrail {
  const onError = (error: unknown) => failures.push(error);
  return new AuditTrail({ log: createMemoryStore().audit, clock: systemClock, retentionMs: 3_600_000, onError });
}

/** `failures` collects what went wrong behind the answers. */
export function openTestBus(failures: unknown[] = [], options: Partial<BusOptions> = {}): Promise<Bus> {
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
    maxHops: 32,
    maxPairRate: 0,
    maxSessionRate: 0,
    onError: (error) => failures.push(error),
    ...options,
  });
}
