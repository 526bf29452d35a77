// The sessions as one key sees them: every method, asked from another workspace and by another user.
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { ChatsView } from '../../src/bus/chats-view.ts';
import { operator } from '../../src/bus/identity.ts';
import { SessionsView } from '../../src/bus/sessions-view.ts';
import { BusError } from '../../src/protocol/errors.ts';
import {
  abroad,
  canary,
  furnish,
  home,
  inventory,
  lead,
  missing,
  type Names,
  names,
  openBus,
  other,
  owner,
  principals,
  settings,
  steps,
} from '../support/two-houses.ts';

type Ask = (view: SessionsView, named: Names) => unknown;

/** Those that name a session or a task. */
const naming: Readonly<Record<string, Ask>> = {
  workspaceOf: (view, { session }) => view.workspaceOf(session),
  addParticipant: (view, { session }) => view.addParticipant(session, { agent_id: other }),
  removeParticipant: (view, { session, agent }) => view.removeParticipant(session, agent),
  updateWorkflow: (view, { session }) => view.updateWorkflow(session, { current_step: steps[1]?.name ?? null }),
  advanceWorkflow: (view, { session }) => view.advanceWorkflow(session),
  updateSharedContext: (view, { session }) => view.updateSharedContext(session, { a: 1 }),
  mergeSharedContext: (view, { session }) => view.mergeSharedContext(session, { a: 1 }),
  delegateTask: (view, { session }) => view.delegateTask(session, { delegatee: lead }),
  updateTaskStatus: (view, { session, task }) => view.updateTaskStatus(session, task, 'in_progress'),
  completeSession: (view, { session }) => view.completeSession(session),
  terminateSession: (view, { session }) => view.terminateSession(session, { reason: 'mine' }),
  deleteSession: (view, { session }) => view.deleteSession(session),
  getSession: (view, { session }) => view.getSession(session),
  getWorkflowProgress: (view, { session }) => view.getWorkflowProgress(session),
  getTaskDelegation: (view, { task, session }) => [view.getTaskDelegation(task), view.getTaskDelegation(task, session)],
  listTasks: (view, { session }) => view.listTasks(session),
  getSummary: (view, { session }) => view.getSummary(session),
  readEvents: (view, { session }) => view.readEvents(session, 0, 10),
  settled: (view, { session }) => view.settled(session),
  createChat: (view, { session }) => view.createChat(session, { agentConfig: settings }),
  switchChat: (view, { session, chat }) => view.switchChat(session, chat),
  getChat: (view, { chat }) => view.getChat(chat)?.describe(),
  getActiveChat: (view, { session }) => view.getActiveChat(session).getHistory(),
  getSessionChats: (view, { session }) => view.getSessionChats(session).map((chat) => chat.describe()),
  narrateSummary: (view, { session, chat }) => view.narrateSummary(session, chat),
  deleteChat: (view, { chat }) => view.deleteChat(chat),
};

/** Those that look through all sessions. */
const listing: Readonly<Record<string, (view: SessionsView) => readonly unknown[]>> = {
  getActiveSessions: (view) => view.getActiveSessions(),
  listSessions: (view) => view.listSessions().items,
  getTasksForAgent: (view) => view.getTasksForAgent(names.agent),
};

/** Those that ask for no session; below. */
const others = ['createSession', 'workspace'];

/** What came of it, without the names that were asked for. */
async function outcomeOf(ask: Ask, view: SessionsView, named: Names): Promise<string> {
  const said = await Promise.resolve()
    .then(() => ask(view, named))
    .then(
      (value) => `answers ${JSON.stringify(value)}`,
      (error: unknown) =>
        error instanceof BusError ? `refuses ${error.code} ${error.message}` : Promise.reject(error),
    );
  return Object.values(named).reduce((rest: string, name) => rest.replaceAll(name, '*'), said);
}

let bus: Bus;

beforeEach(async () => {
  bus = await openBus();
  onTestFinished(() => bus.close());
  await furnish(bus);
});

const viewOf = (key: string) => bus.sessionsFor(principals[key] ?? expect.unreachable(), undefined);

const intruders: [string, string][] = [
  ['another workspace', 'key-of-abroad'],
  ['another user', 'key-of-stranger'],
];
const asked = intruders.flatMap(([who, key]) =>
  Object.entries(naming).map(([method, ask]) => [who, method, key, ask] as const),
);
const listed = intruders.flatMap(([who, key]) =>
  Object.entries(listing).map(([method, ask]) => [who, method, key, ask] as const),
);

it('every method is asked from outside', () => {
  const notForCallers = new Set(['constructor', 'managerOf', 'find']);
  const methods = [SessionsView.prototype, ChatsView.prototype]
    .flatMap((prototype) => Object.getOwnPropertyNames(prototype))
    .filter((name) => !notForCallers.has(name));
  expect([...Object.keys(naming), ...Object.keys(listing), ...others].sort()).toEqual(methods.sort());
});

describe('a session', () => {
  it.each(asked)('is to %s like one that never was: %s', async (_who, _method, key, ask) => {
    const before = await inventory(bus);
    const outcome = await outcomeOf(ask, viewOf(key), names);
    expect(outcome).toBe(await outcomeOf(ask, viewOf(key), missing));
    expect(outcome).not.toContain(canary);
    expect(await inventory(bus)).toEqual(before);
    // Those whose it is get something else.
    for (const insider of ['key-of-home', 'key-of-owner']) {
      const view = viewOf(insider);
      expect(await outcomeOf(ask, view, missing)).toBe(outcome);
    }
    expect(await outcomeOf(ask, viewOf('key-of-owner'), names)).toMatch(/^answers/);
  });

  it.each(listed)('is not listed for %s: %s', async (_who, _method, key, ask) => {
    expect(ask(viewOf(key))).toEqual([]);
    expect(ask(viewOf('key-of-owner')).length).toBeGreaterThan(0);
    expect(ask(bus.sessions).length).toBeGreaterThan(0);
    expect(ask(bus.sessions.workspace(abroad))).toEqual([]);
  });

  it('is made in the workspace that is named, or in the only one', () => {
    expect(bus.sessions.workspaceOf(bus.sessions.createSession({ workspaceId: 'w1' }))).toBe('w1');
    expect(bus.sessions.workspaceOf(bus.sessions.createSession(lead))).toBe('default');
    const view = bus.sessions.workspace('w2');
    expect(bus.sessions.getSession(view.createSession({}))?.workspace_id).toBe('w2');
    expect(() => view.createSession({ workspaceId: 'w1' })).toThrow(refused('WORKSPACE_FORBIDDEN'));
    expect(() => view.workspace('w1')).toThrow(refused('WORKSPACE_FORBIDDEN'));
    expect(() => viewOf('key-of-abroad').workspace(home)).toThrow(refused('WORKSPACE_FORBIDDEN'));
    expect(view.workspace('w2').listSessions().items).toHaveLength(1);
  });

  it('is not made in a workspace whose name is none', () => {
    for (const workspaceId of ['', 'a b', 'a|b', '*', 'x'.repeat(65)]) {
      expect(() => bus.sessions.createSession({ workspaceId })).toThrow(refused('VALIDATION_FAILED'));
      expect(() => bus.sessions.workspace(workspaceId)).toThrow(refused('VALIDATION_FAILED'));
    }
  });

  it("of a user's key is that user's", () => {
    const view = viewOf('key-of-stranger');
    const id = view.createSession({ name: 'mine' });
    expect(view.getSession(id)?.user_id).toBe('user-b');
    expect(view.workspace(home).getSession(id)?.name).toBe('mine');
    expect(viewOf('key-of-owner').getSession(id)).toBeUndefined();
    expect(() => view.createSession({ userId: owner })).toThrow(refused('FORBIDDEN'));
    expect(view.listSessions({ user_id: owner }).items).toEqual([]);
  });

  it('may have the id of one in another workspace, and each is itself', async () => {
    const there = bus.sessions.workspace(abroad);
    there.createSession({ sessionId: names.session, name: 'theirs' });
    there.updateSharedContext(names.session, { of: 'theirs' });
    await there.settled(names.session);
    expect(there.getSession(names.session)).toMatchObject({ name: 'theirs', version: 2 });
    expect(bus.sessions.workspace(home).getSession(names.session)).toMatchObject({ name: canary });
    there.deleteSession(names.session);
    await there.settled(names.session);
    expect(bus.sessions.workspace(home).getSession(names.session)).toMatchObject({ name: canary });
  });
});

describe('pages of all workspaces', () => {
  const pagesOf = (limit: number) => {
    const pages: string[][] = [];
    for (let after: string | undefined = 'page_'; after !== undefined; ) {
      const page = bus.sessions.listSessions({ limit, after });
      const mine = page.items.filter(({ session_id: id }) => id.startsWith('page_'));
      pages.push(mine.map((one) => `${one.session_id} ${one.workspace_id}`));
      after = page.next;
    }
    return pages;
  };

  it.each([1, 2, 3, 4, 100])('hold each session once, in the order of the ids, %i at a time', (limit) => {
    const expected = Array.from({ length: 10 }, (_, n) => `page_${n} w${n % 3}`);
    for (const [sessionId, workspaceId] of expected.map((one) => one.split(' '))) {
      bus.sessions.createSession({ sessionId: sessionId ?? '', workspaceId: workspaceId ?? '' });
    }
    const pages = pagesOf(limit);
    expect(pages.flat()).toEqual(expected);
    for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit);
  });

  it('do not come between sessions of the same id', () => {
    for (const workspaceId of ['w0', 'w1', 'w2']) {
      for (const sessionId of ['page_1', 'page_2']) bus.sessions.createSession({ sessionId, workspaceId });
    }
    const three = (id: string) => ['w0', 'w1', 'w2'].map((workspaceId) => `${id} ${workspaceId}`);
    expect(pagesOf(2).filter((page) => page.length > 0)).toEqual([three('page_1'), three('page_2')]);
  });
});

describe('a bus that drains', () => {
  it('accepts nothing in a workspace that is named for the first time', async () => {
    bus.drain();
    const { agents, messages } = bus.workspace('late');
    await agents.register({ agent_descriptor: { agent_id: lead, capabilities: [] } });
    const sending = messages.send({
      principal: operator,
      envelope: { sender: { agent_id: lead }, recipient: { agent_id: lead }, message_type: 'status_update' },
    });
    await expect(sending).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

describe('an event', () => {
  it('reaches those who may see the session, and nobody else', async () => {
    const heard: string[] = [];
    const views = {
      all: bus.sessions,
      home: bus.sessions.workspace(home),
      owner: viewOf('key-of-owner'),
      abroad: viewOf('key-of-abroad'),
      stranger: viewOf('key-of-stranger'),
    };
    for (const [who, view] of Object.entries(views)) {
      view.on('context_updated', ({ sessionId, workspaceId }) => heard.push(`${who} ${workspaceId} ${sessionId}`));
      view.on('recorded', ({ type }) => heard.push(`${who} ${type}`));
      view.on('session_deleted', ({ sessionId }) => heard.push(`${who} deleted ${sessionId}`));
    }
    bus.sessions.updateSharedContext(names.session, {});
    const three = (event: string) => [`all ${event}`, `home ${event}`, `owner ${event}`];
    expect(heard.splice(0)).toEqual(three(`${home} ${names.session}`));
    await bus.sessions.settled(names.session);
    expect(heard.splice(0)).toEqual(three('context_updated'));
    bus.sessions.deleteSession(names.session);
    expect(heard.splice(0)).toEqual(three(`deleted ${names.session}`));
  });

  it('of a workspace that came later reaches those who listen to all', () => {
    const heard: string[] = [];
    const listener = ({ workspaceId }: { workspaceId: string }) => heard.push(workspaceId);
    bus.sessions.on('session_created', listener);
    bus.sessions.createSession({ workspaceId: 'later' });
    bus.sessions.off('session_created', listener);
    bus.sessions.createSession({ workspaceId: 'later' });
    expect(heard).toEqual(['later']);
    expect(bus.workspace('later').sessions.listenerCount('session_created')).toBe(1);
  });

  it('reaches who listens after all listeners were removed, and nobody else', () => {
    const heard: string[] = [];
    bus.sessions.on('context_updated', () => heard.push('before'));
    bus.sessions.removeAllListeners();
    expect(bus.workspace(home).sessions.listenerCount('context_updated')).toBe(0);
    const after = () => heard.push('after');
    bus.sessions.on('context_updated', after);
    bus.sessions.updateSharedContext(names.session, {});
    expect(heard).toEqual(['after']);
    bus.sessions.off('context_updated', after);
    expect(bus.workspace(home).sessions.listenerCount('context_updated')).toBe(0);
  });

  it('reaches the other views where a listener of one throws', () => {
    let heard = 0;
    bus.sessions.on('context_updated', () => {
      throw new Error('a broken listener');
    });
    bus.sessions.on('context_updated', () => heard++);
    bus.sessions.workspace(home).on('context_updated', () => heard++);
    bus.sessions.updateSharedContext(names.session, {});
    expect(heard).toBe(2);
  });
});

function refused(code: string) {
  return expect.objectContaining({ code });
}
