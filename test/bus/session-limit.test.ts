// `maxSessions` and `maxChatsPerSession`, on a bus with several workspaces and on disk.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BusOptions } from '../../src/bus/bus.ts';
import { SessionLimit } from '../../src/bus/session-limit.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { openTestBus } from '../http/test-bus.ts';
import { startBus } from '../support/running-bus.ts';
import { hour, open, refused } from './session-setup.ts';

/** A bus that can be stopped and opened again on the same disk. */
function onDisk(options: Partial<BusOptions>) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-bus-limit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return async (more: Partial<BusOptions> = {}) => {
    const store = openLmdbStore({ folder });
    const bus = await openTestBus([], { ...options, ...more, store });
    let isOpen = true;
    const close = async () => {
      if (!isOpen) return;
      isOpen = false;
      await bus.close();
      await store.close();
    };
    onTestFinished(close);
    return { sessions: bus.sessions, close };
  };
}

describe('maxSessions', () => {
  it('refuses the session behind the last one, whichever workspace it is for', async () => {
    const { sessions } = await openTestBus([], { maxSessions: 10 });
    for (let n = 0; n < 10; n++) sessions.createSession({ workspaceId: `w${n % 3}` });
    for (const workspaceId of ['w0', 'w1', 'new']) {
      expect(() => sessions.createSession({ workspaceId })).toThrow(refused('SESSION_LIMIT'));
    }
    expect(sessions.listSessions().items).toHaveLength(10);
  });

  it.each(['completeSession', 'terminateSession', 'deleteSession'] as const)(
    'has a place again after %s',
    async (end) => {
      const { sessions } = await openTestBus([], { maxSessions: 2 });
      const first = sessions.createSession({ workspaceId: 'w1' });
      sessions.createSession({});
      expect(() => sessions.createSession({})).toThrow(refused('SESSION_LIMIT'));
      if (end === 'terminateSession') sessions.terminateSession(first, { reason: 'enough' });
      else sessions[end](first);
      sessions.createSession({});
      expect(() => sessions.createSession({})).toThrow(refused('SESSION_LIMIT'));
      if (end !== 'deleteSession') sessions.deleteSession(first);
      expect(() => sessions.createSession({})).toThrow(refused('SESSION_LIMIT'));
    },
  );

  it('has a place again when a session has timed out', async () => {
    const { sessions, clock } = await open({ sessionLimit: new SessionLimit(1) });
    sessions.createSession({});
    clock.advance(24 * hour);
    sessions.createSession({});
    expect(() => sessions.createSession({})).toThrow(refused('SESSION_LIMIT'));
  });

  it('does not stand in for other refusals, and a refused session takes no place', async () => {
    const { sessions } = await openTestBus([], { maxSessions: 1 });
    expect(() => sessions.createSession({ orchestrator: 'nobody' })).toThrow(refused('VALIDATION_FAILED'));
    sessions.createSession({ sessionId: 'one' });
    expect(() => sessions.createSession({ sessionId: 'one' })).toThrow(refused('SESSION_EXISTS'));
  });

  it.each([0, undefined])('of %s is no limit', async (maxSessions) => {
    const { sessions } = await openTestBus([], maxSessions === undefined ? {} : { maxSessions });
    for (let n = 0; n < 200; n++) sessions.createSession({});
    expect(sessions.getActiveSessions()).toHaveLength(200);
  });

  it('holds after a restart, and of more than it allows all stay', async () => {
    const start = onDisk({ maxSessions: 3 });
    const first = await start();
    const ids = ['w1', 'w1', 'w2'].map((workspaceId) => first.sessions.createSession({ workspaceId }));
    const [one = ''] = ids;
    await Promise.all(ids.map((id) => first.sessions.settled(id)));
    await first.close();
    const second = await start();
    expect(() => second.sessions.createSession({})).toThrow(refused('SESSION_LIMIT'));
    second.sessions.completeSession(one);
    await second.sessions.settled(second.sessions.createSession({}));
    await second.close();
    const third = await start({ maxSessions: 1 });
    expect(third.sessions.getActiveSessions()).toHaveLength(3);
    expect(() => third.sessions.createSession({})).toThrow(refused('SESSION_LIMIT'));
  });

  it('holds over HTTP, however many ask at once, as 429', async () => {
    const { call } = await startBus({ maxSessions: 5 });
    const workspaces = ['w1', 'w2', 'default'];
    const asked = Array.from({ length: 50 }, (_, n) => call('POST', '/sessions', { workspace_id: workspaces[n % 3] }));
    const replies = await Promise.all(asked);
    const made = replies.filter(({ status }) => status === 201);
    expect(made).toHaveLength(5);
    const others = replies.filter(({ status }) => status !== 201);
    expect(others.map(({ status, body }) => `${status} ${body.code}`)).toEqual(Array(45).fill('429 SESSION_LIMIT'));
    const [{ body } = expect.unreachable()] = made;
    const { workspace_id, session_id } = body.session;
    await call('POST', `/sessions/${session_id}/complete?workspace_id=${workspace_id}`);
    expect((await call('POST', '/sessions', {})).status).toBe(201);
  });
});

describe('maxChatsPerSession', () => {
  it('holds on disk, however many ask at once, and after a restart', async () => {
    const start = onDisk({ maxChatsPerSession: 5 });
    const first = await start();
    const sessionId = first.sessions.createSession({ workspaceId: 'w1' });
    const ask = ({ sessions }: typeof first) => sessions.createChat(sessionId, { agentId: 'codex://reviewer' });
    const all = await Promise.allSettled(Array.from({ length: 50 }, () => ask(first)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const reasons = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(reasons).toEqual(Array(45).fill(refused('CHAT_LIMIT')));
    await first.close();
    const second = await start();
    const chats = second.sessions.getSessionChats(sessionId);
    expect(chats).toHaveLength(5);
    await expect(ask(second)).rejects.toEqual(refused('CHAT_LIMIT'));
    second.sessions.deleteChat(chats[0]?.id ?? '');
    await ask(second);
    await expect(ask(second)).rejects.toEqual(refused('CHAT_LIMIT'));
  });
});
