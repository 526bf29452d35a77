// Workspaces across restarts: what each had is in its place again, and what lay there before there were any is in `default`.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { operator } from '../../src/bus/identity.ts';
import type { Workspace } from '../../src/bus/workspace.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Envelope } from '../../src/protocol/types.gen.ts';
import { openLmdbStore } from '../../src/store/lmdb.ts';
import { openTestBus } from '../http/test-bus.ts';
import { newMessage } from '../support/new-message.ts';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const never = new AbortController().signal;
const session = 'sess_1';

describe('after a restart', () => {
  let folder: string;
  let store: Store;
  let bus: Bus;

  const open = async () => {
    store = openLmdbStore({ folder });
    bus = await openTestBus([], { store });
  };
  const restart = async () => {
    await bus.close();
    await store.close();
    await open();
  };
  beforeEach(async () => {
    folder = temporaryFolder();
    await open();
  });
  afterEach(async () => {
    await bus.close();
    await store.close();
  });

  const send = ({ messages }: Workspace, id: string, to: string, more: object = {}) =>
    messages.send({ envelope: envelope(id, orchestrator, to, more) as Envelope, principal: operator });
  const contents = async ({ messages }: Workspace, agentId: string) =>
    (await messages.pull(agentId, { max: 10, waitMs: 0 }, never)).map(({ messageId, bytes }) => {
      return [messageId, JSON.parse(bytes.toString()).payload];
    });

  it('each workspace has its agents, tokens, sessions, mail and dead letters, of the same names', async () => {
    const ids = ['default', 'team-a', 'team-b'];
    const tokens: string[] = [];
    for (const workspaceId of ids) {
      const workspace = bus.workspace(workspaceId);
      const { token } = await workspace.agents.register({
        agent_descriptor: { agent_id: backend, capabilities: [workspaceId] },
      });
      tokens.push(token ?? '');
      workspace.sessions.createSession({ sessionId: session, name: workspaceId });
      await workspace.sessions.settled(session);
      await send(workspace, 'dead', backend, { payload: workspaceId });
      await workspace.messages.pull(backend, { max: 1, waitMs: 0 }, never);
      await workspace.messages.nack(backend, 'dead', { giveUp: true });
      await send(workspace, 'm1', backend, { payload: workspaceId });
    }
    await expect.poll(async () => (await bus.workspace('team-b').messages.deadLetters({})).items.length).toBe(1);
    await restart();
    for (const [index, workspaceId] of ids.entries()) {
      const workspace = bus.workspace(workspaceId);
      expect(bus.authenticate(tokens[index])).toMatchObject({ workspaceId, agentId: backend });
      expect(workspace.agents.list({}).items.map((agent) => agent.capabilities)).toEqual([[workspaceId]]);
      expect(workspace.sessions.getSession(session)).toMatchObject({ name: workspaceId, workspace_id: workspaceId });
      const { items } = await workspace.messages.deadLetters({});
      expect(items.map((one) => [one.message_id, one.envelope?.payload])).toEqual([['dead', workspaceId]]);
      expect(await contents(workspace, backend)).toEqual([['m1', workspaceId]]);
    }
  });

  it('what a crash left half done is ended in its workspace', async () => {
    const workspace = bus.workspace('team-a');
    workspace.sessions.createSession({ sessionId: session, orchestrator, participants: [{ agent_id: backend }] });
    await send(workspace, 'm1', backend, { sender: { agent_id: orchestrator, session_id: session } });
    // The bus dies between the end of the session and that of its message.
    await workspace.close();
    store.mailboxes.bury = () => new Promise(() => undefined);
    const dying = await openTestBus([], { store });
    dying.workspace('team-a').sessions.terminateSession(session, { reason: 'stopped' });
    await dying.workspace('team-a').sessions.settled(session);
    await restart();
    await expect.poll(async () => (await bus.workspace('team-a').messages.find('m1', operator)).status).toBe('dead');
    expect((await bus.workspace('default').messages.deadLetters({})).items).toEqual([]);
  });

  it('mail for an agent that is forgotten, in a workspace that has nothing else, is there', async () => {
    const workspace = bus.workspace('team-a');
    await workspace.agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
    await send(workspace, 'm1', backend, { payload: 'still here' });
    await workspace.removeAgent(backend);
    await restart();
    await bus.workspace('team-a').agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
    expect(await contents(bus.workspace('team-a'), backend)).toEqual([['m1', 'still here']]);
  });

  it('what was stored before there were workspaces is in the default one', async () => {
    await bus.close();
    await store.agents.put(backend, { descriptor: { agent_id: backend, capabilities: ['old'] } });
    const bytes = Buffer.from(JSON.stringify(envelope('m1', orchestrator, backend, { payload: 'old' })));
    const facts = { sender: orchestrator, messageType: 'task_request' } as const;
    await store.mailboxes.enqueue(newMessage('m1', { mailbox: backend, facts, bytes }));
    await store.close();
    await open();
    expect(bus.workspace('default').agents.get(backend).capabilities).toEqual(['old']);
    expect(await contents(bus.workspace('default'), backend)).toEqual([['m1', 'old']]);
  });

  it('the longest names are as they were', async () => {
    const workspaceId = 'w'.repeat(64);
    const agentId = `${'s'.repeat(32)}://${'n'.repeat(120)}`;
    const messageId = 'm'.repeat(128);
    const sessionId = 'i'.repeat(128);
    const workspace = bus.workspace(workspaceId);
    await workspace.agents.register({ agent_descriptor: { agent_id: agentId, capabilities: [] } });
    workspace.sessions.createSession({ sessionId, orchestrator: agentId, participants: [{ agent_id: backend }] });
    await workspace.messages.send({
      principal: operator,
      envelope: {
        message_id: messageId,
        sender: { agent_id: agentId, session_id: sessionId },
        recipient: { agent_id: backend },
        message_type: 'task_request',
      },
    });
    await workspace.messages.send({
      principal: operator,
      envelope: {
        sender: { agent_id: agentId },
        recipient: { session_id: sessionId },
        message_type: 'status_update',
        payload: 'to all',
      },
    });
    await restart();
    const again = bus.workspace(workspaceId);
    expect(again.sessions.getSession(sessionId)?.orchestrator).toBe(agentId);
    expect(again.agents.get(agentId).registered).toBe(true);
    expect(await again.messages.find(messageId, operator)).toMatchObject({ message_id: messageId, status: 'queued' });
    expect(await contents(again, backend)).toHaveLength(2);
  });
});
