import { describe, expect, it } from 'vitest';
import { AuditTrail } from '../../src/bus/audit-trail.ts';
import type { AuditLog } from '../../src/ports/audit-log.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';

function open(options: { retentionMs?: number; maxEntries?: number } = {}) {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const { audit: log } = createMemoryStore();
  const onError = (error: unknown) => errors.push(error);
  const trail = new AuditTrail({ log, clock, retentionMs: 3_600_000, onError, ...options });
  return { trail, clock, log, errors };
}

const wrongKey = { actor: 'anonymous', code: 'UNAUTHORIZED', address: '192.0.2.7' };

describe('the audit trail', () => {
  it('keeps the first refusal of a kind at once, and the number of the others at the end of the minute', async () => {
    const { trail, clock } = open();
    for (let count = 0; count < 1_000; count++) trail.recordRefusal(wrongKey);
    trail.recordRefusal({ ...wrongKey, address: '192.0.2.8' });
    expect((await trail.page({})).items).toMatchObject([{ address: '192.0.2.8' }, { address: '192.0.2.7' }]);
    clock.advance(60_000);
    const { items } = await trail.page({});
    expect(items).toHaveLength(3);
    expect(items[0]).toMatchObject({ ...wrongKey, action: 'refused', count: 999 });
    trail.recordRefusal(wrongKey);
    expect((await trail.page({})).items).toHaveLength(4);
  });

  it('writes what it has counted when it is closed', async () => {
    const { trail } = open();
    for (let count = 0; count < 3; count++) trail.recordRefusal(wrongKey);
    trail.close();
    expect((await trail.page({})).items[0]).toMatchObject({ count: 2 });
  });

  it('cannot be flooded: beyond 1,000 kinds in a minute it tells only the codes apart', async () => {
    const { trail, clock, log } = open();
    for (let count = 0; count < 5_000; count++) trail.recordRefusal({ actor: `a://${count}`, code: 'FORBIDDEN' });
    clock.advance(60_000);
    expect(await log.readBefore(Number.MAX_SAFE_INTEGER, 10_000)).toHaveLength(1_002);
    expect((await trail.page({ limit: 1 })).items).toMatchObject([{ actor: 'many', code: 'FORBIDDEN', count: 3_999 }]);
  });

  it('cannot be flooded without a key: one address has an entry for each route and code, whatever ids it names', async () => {
    const { trail, clock, log } = open();
    for (let count = 0; count < 1_500; count++) {
      trail.recordRefusal({
        ...wrongKey,
        route: 'GET /agents/:agent_id',
        agent_id: `x://a${count}`,
        session_id: `s${count}`,
      });
    }
    clock.advance(60_000);
    expect(await log.readBefore(Number.MAX_SAFE_INTEGER, 10_000)).toMatchObject([
      { record: { ...wrongKey, count: 1_499 } },
      { record: wrongKey },
    ]);
  });

  it('tells who was refused also while a thousand addresses try keys, and one agent asks for a thousand sessions', async () => {
    const { trail } = open();
    for (let count = 0; count < 1_000; count++) {
      trail.recordRefusal({ ...wrongKey, address: `a${count}` });
      trail.recordRefusal({ actor: 'a://loud', code: 'FORBIDDEN', session_id: `s${count}` });
    }
    trail.recordRefusal({ actor: 'a://quiet', code: 'FORBIDDEN', session_id: 's1' });
    expect((await trail.page({ limit: 1 })).items).toMatchObject([{ actor: 'a://quiet', session_id: 's1' }]);
    expect((await trail.page({ limit: 1_000 })).items.length).toBeLessThan(610);
  });

  it('forgets what is older than its retention, and what is more than it keeps', async () => {
    const { trail, clock, log } = open({ retentionMs: 150_000, maxEntries: 5 });
    for (let count = 0; count < 8; count++) trail.record({ action: 'session_created', actor: 'bus-key' });
    clock.advance(60_000);
    await expect.poll(async () => (await log.readBefore(1_000, 100)).length).toBe(5);
    clock.advance(120_000);
    await expect.poll(async () => (await log.readBefore(1_000, 100)).length).toBe(1);
  });

  it('filters by actor, action, workspace and time, and pages through what fits', async () => {
    const { trail, clock } = open();
    for (let count = 1; count <= 10; count++) {
      trail.record({
        action: 'agent_updated',
        actor: count % 2 ? 'a://odd' : 'a://even',
        workspace_id: `w${count % 3}`,
      });
      clock.advance(1_000);
    }
    trail.record({ action: 'agent_deleted', actor: 'a://odd' });
    const idsOf = async (filter: object) => (await trail.page(filter)).items.map(({ id }) => Number(id));
    expect(await idsOf({ actor: 'a://even' })).toEqual([10, 8, 6, 4, 2]);
    expect(await idsOf({ action: 'agent_deleted' })).toEqual([11]);
    expect(await idsOf({ workspace_id: 'w1' })).toEqual([10, 7, 4, 1]);
    expect(await idsOf({ workspace_id: 'default' })).toEqual([]);
    const { items } = await trail.page({});
    const eighth = items.find(({ id }) => id === '8');
    expect(await idsOf({ since: eighth?.at })).toEqual([11, 10, 9, 8]);
    const paged: number[] = [];
    for (let after: string | undefined; ; ) {
      const page = await trail.page({ actor: 'a://odd', limit: 2, ...(after !== undefined && { after }) });
      paged.push(...page.items.map(({ id }) => Number(id)));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(paged).toEqual([11, 9, 7, 5, 3, 1]);
  });

  it('looks at so many entries at once and no more', async () => {
    const { trail } = open();
    for (let count = 0; count < 12_000; count++) trail.record({ action: 'agent_updated', actor: 'a://b' });
    const page = await trail.page({ actor: 'nobody' });
    expect(page).toEqual({ items: [], next: '2001' });
    expect(await trail.page({ actor: 'nobody', after: String(page.next) })).toEqual({ items: [] });
  });

  it('tells of entries that the disk has damaged', () => {
    const errors: unknown[] = [];
    const { audit } = createMemoryStore();
    let tell: (error: BusError) => void = () => undefined;
    const log = Object.assign(Object.create(audit) as AuditLog, {
      listen: (listener: typeof tell) => {
        tell = listener;
      },
    });
    const trail = new AuditTrail({
      ...{ log, clock: new ManualClock(), retentionMs: 3_600_000 },
      onError: (error) => errors.push(error),
    });
    const damage = new BusError('STORE_UNREADABLE', 'Entry 5 is damaged.');
    tell(damage);
    expect(errors).toEqual([damage]);
    trail.close();
  });
});
