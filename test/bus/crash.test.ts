// A crash at any moment of what the bus does behind the answers: the files as they lay on disk then, opened by another bus.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bus } from '../../src/bus/bus.ts';
import { operator } from '../../src/bus/identity.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Envelope } from '../../src/protocol/types.gen.ts';
import { journalFolder, openJournalDisk } from '../../src/store/journal-disk.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { createLmdbStore } from '../../src/store/lmdb.ts';
import { openEnvironment } from '../../src/store/lmdb-environment.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const consumer = { agentId: backend, door: 'http' as const, connectionId: 'conn_1' };
const day = 86_400_000;

describe('after a crash', () => {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const opened: { bus: Bus; store: Store }[] = [];
  let root: string;
  let images: string[];
  /** While what is being done is photographed. */
  let isWatched: boolean;

  beforeEach(() => {
    root = temporaryFolder();
    images = [];
    isWatched = false;
  });
  afterEach(async () => {
    for (const { bus, store } of opened.splice(0)) {
      await bus.close();
      await store.close();
    }
    expect(errors.splice(0)).toEqual([]);
  });

  const takeImage = (): void => {
    const image = join(root, `image${images.length}`);
    cpSync(join(root, 'live'), image, { recursive: true, filter: (path) => !path.endsWith('-lock') });
    images.push(image);
  };

  /** Whatever it has written is photographed before anybody hears of it. */
  const photographed =
    <Args extends unknown[], Result>(write: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const result = await write(...args);
      if (isWatched) takeImage();
      return result;
    };

  const openBus = async (folder = join(root, 'live')) => {
    const environment = openEnvironment(folder);
    const disk = openJournalDisk(join(folder, journalFolder));
    disk.append = photographed(disk.append.bind(disk));
    const store = createLmdbStore({ ...environment, transact: photographed(environment.transact) }, disk, {
      clock,
      limits: defaultLimits,
      random: () => 0,
      isFull: () => false,
    });
    const bus = await Bus.open({
      store,
      clock,
      apiKey: 'key',
      messageTimeoutMs: 300_000,
      ackTimeoutMs: 30_000,
      offlineGraceMs: 10_000,
      sessionTimeoutMs: day,
      retentionMs: 7 * day,
      autoAdvance: true,
      rateLimit: 0,
      maxHops: 32,
      maxPairRate: 0,
      maxSessionRate: 0,
      onError: (error) => errors.push(error),
    });
    const one = { bus, store, mail: store.mailboxes };
    opened.push(one);
    return one;
  };

  /** What is on disk now, and after each write until the work is done: in between it is the same. */
  const photograph = async (work: Promise<unknown>): Promise<void> => {
    takeImage();
    isWatched = true;
    await work;
    isWatched = false;
  };

  const startSession = async () => {
    const { bus, mail } = await openBus();
    const sessionId = bus.sessions.createSession(orchestrator, [{ agent_id: backend, role: 'dev' }], []);
    const request = envelope('m1', orchestrator, backend, {
      sender: { agent_id: orchestrator, session_id: sessionId },
      metadata: { task_id: 't1' },
    });
    await bus.workspace('default').messages.send({ envelope: request as unknown as Envelope, principal: operator });
    await mail.take(backend, 1, 30_000, consumer);
    await mail.find('m1');
    const waitUntilDead = async () => {
      while ((await mail.find('m1'))?.status !== 'dead') await nextTurn();
    };
    return { bus, mail, sessionId, waitUntilDead };
  };

  it('at any moment of a death, the sender is told, and its task has failed', async () => {
    const { bus, mail, sessionId, waitUntilDead } = await startSession();
    const nacked = mail.nack(backend, 'm1', { giveUp: true, reason: 'no' });
    await photograph(nacked.then(waitUntilDead));
    let failed = 0;
    for (const image of images) {
      const after = await openBus(image);
      const status = () => after.bus.sessions.getTaskDelegation('t1', sessionId)?.status;
      // Before the nack was on disk there was none.
      if ((await after.mail.find('m1'))?.reason === undefined) continue;
      await vi.waitFor(async () => expect(await after.mail.find('m1')).toMatchObject({ status: 'dead' }));
      expect(status()).toBe('failed');
      expect(after.mail.stats(orchestrator).queued).toBe(1);
      failed++;
    }
    expect(failed).toBeGreaterThan(1);
    expect(bus.sessions.getTaskDelegation('t1', sessionId)?.status).toBe('failed');
  });

  it('at any moment of a cancellation, the message goes with its task, and the agent that has it is told', async () => {
    const { bus, sessionId, waitUntilDead } = await startSession();
    bus.sessions.terminateSession(sessionId, { reason: 'stopped' });
    await photograph(waitUntilDead());
    let cancelled = 0;
    for (const image of images) {
      const after = await openBus(image);
      const isCancelled = after.bus.sessions.getTaskDelegation('t1', sessionId)?.status === 'cancelled';
      expect(await after.mail.find('m1')).toMatchObject({ status: isCancelled ? 'dead' : 'queued' });
      expect(after.mail.stats(backend).queued).toBe(1);
      const [offer] = await after.mail.take(backend, 1, 30_000, consumer);
      const { message_type, payload } = JSON.parse(String(offer?.bytes));
      expect([message_type, payload.code]).toEqual(
        isCancelled ? ['status_update', 'TASK_CANCELLED'] : ['task_request', undefined],
      );
      if (isCancelled) cancelled++;
    }
    expect(cancelled).toBeGreaterThan(1);
  });

  it('at any moment of a departure, what lies there for who left goes as well', async () => {
    const { bus, mail, sessionId } = await startSession();
    const said = envelope('m2', orchestrator, backend, {
      message_type: 'status_update',
      sender: { agent_id: orchestrator, session_id: sessionId },
    });
    await bus.workspace('default').messages.send({ envelope: said as unknown as Envelope, principal: operator });
    bus.sessions.removeParticipant(sessionId, backend);
    const waitUntilWithdrawn = async () => {
      while ((await mail.find('m2'))?.status !== 'dead') await nextTurn();
    };
    await photograph(waitUntilWithdrawn());
    let departures = 0;
    for (const image of images) {
      const after = await openBus(image);
      const { participants = [] } = after.bus.sessions.getSession(sessionId) ?? {};
      const hasLeft = participants.some(({ agent_id, status }) => agent_id === backend && status === 'left');
      expect(await after.mail.find('m2')).toMatchObject({ status: hasLeft ? 'dead' : 'queued' });
      if (hasLeft) departures++;
    }
    expect(departures).toBeGreaterThan(1);
  });

  it('at any moment of a deletion, no mail of the session is left without it', async () => {
    const { bus, sessionId, waitUntilDead } = await startSession();
    bus.sessions.deleteSession(sessionId);
    await photograph(Promise.all([bus.sessions.settled(sessionId), waitUntilDead()]));
    const standing = [];
    for (const image of images) {
      const after = await openBus(image);
      const state = after.bus.sessions.getSession(sessionId)?.state ?? 'gone';
      await after.mail.find('m1');
      expect(await after.mail.find('m1')).toMatchObject({ status: state === 'active' ? 'queued' : 'dead' });
      standing.push(state);
    }
    expect(standing).toContain('gone');
  });

  it('at any moment of a sync answer, it waits in the mailbox of who asked unless it was handed over', async () => {
    const { bus, mail } = await openBus();
    await bus.workspace('default').agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
    const send = (one: object) =>
      bus.workspace('default').messages.send({ envelope: one as Envelope, principal: operator });
    const asking = send(envelope('q1', orchestrator, backend, { routing: { delivery_mode: 'sync' } }));
    while ((await mail.take(backend, 1, 30_000, consumer)).length === 0) await nextTurn();
    const answer = envelope('r1', backend, orchestrator, {
      message_type: 'task_response',
      metadata: { in_reply_to: 'q1' },
    });
    await photograph(send(answer));
    expect(await asking).toMatchObject({ reply: { message_id: 'r1' } });
    expect(await mail.find('r1')).toMatchObject({ status: 'acknowledged', mailbox: orchestrator });
    const seen = new Set<string | undefined>();
    for (const image of images) {
      const after = await openBus(image);
      const found = await after.mail.find('r1');
      seen.add(found?.status);
      expect(after.mail.stats(orchestrator).queued).toBe(found?.status === 'queued' ? 1 : 0);
    }
    expect(seen).toContain('queued');
  });

  it('a request that was sent again after its task was cancelled stays where it is', async () => {
    const { bus, mail, sessionId, waitUntilDead } = await startSession();
    bus.sessions.terminateSession(sessionId, { reason: 'stopped' });
    await waitUntilDead();
    clock.advance(1);
    await bus.workspace('default').messages.redrive('m1');
    await photograph(mail.find('m1'));
    const after = await openBus(images.at(-1));
    expect(await after.mail.find('m1')).toMatchObject({ status: 'queued' });
  });
});
