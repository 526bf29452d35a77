// A sync request whose key ends while it waits: it is cut off like a socket is, and as if its caller had gone away.
import { describe, expect, it } from 'vitest';
import type { CreateKey } from '../../src/protocol/types.gen.ts';
import { backend, envelope, orchestrator, startBus } from '../support/running-bus.ts';
import type { Frame } from '../support/socket-client.ts';

const fiveSeconds = 5_000;

/** An agent that is asked, in a session, with a key of its own; and a key to ask with. */
async function prepare(asked: CreateKey = {}) {
  const bus = await startBus();
  const newKey = async (more: CreateKey): Promise<{ id: string; secret: string }> => {
    const { body } = await bus.call('POST', '/keys', { workspace_id: 'team-a', ...more });
    return { id: body.key.key_id, secret: body.secret };
  };
  const agents = await newKey({});
  const participants = [{ agent_id: backend, role: 'dev' }];
  await bus.call('POST', '/sessions', { session_id: 's1', orchestrator, participants }, agents.secret);
  const agent = await bus.connect(backend, { key: agents.secret });
  const asking = await newKey(asked);
  return {
    bus,
    agent,
    asking,
    revoke: () => bus.call('DELETE', `/keys/${asking.id}`),
    task: async (): Promise<string> => {
      const { body } = await bus.call('GET', '/sessions/s1/tasks', undefined, agents.secret);
      return body.items[0].status;
    },
    /** The agent answers after all: that is ordinary mail. */
    async expectLateAnswerInMailbox(): Promise<void> {
      agent.send(answer);
      await agent.receipt('r1');
      const { body } = await bus.call('GET', `/agents/${orchestrator}/messages?wait=3s`, undefined, agents.secret);
      expect(body.items.map(({ message_id }: Frame) => message_id)).toEqual(['r1']);
    },
  };
}

const request = envelope('q1', orchestrator, backend, {
  sender: { agent_id: orchestrator, session_id: 's1' },
  routing: { delivery_mode: 'sync', timeout: '60s' },
});
const answer = envelope('r1', backend, orchestrator, {
  sender: { agent_id: backend, session_id: 's1' },
  message_type: 'task_response',
  metadata: { in_reply_to: 'q1' },
});

const unauthorized = { status: 401, code: 'UNAUTHORIZED', error: expect.stringContaining('key') };

describe('a sync request over HTTP', () => {
  it.each([
    ['by itself', '/messages/send', request, (body: Frame) => body],
    ['in a batch', '/messages/batch', { messages: [request] }, (body: Frame) => body.items[0]],
  ])(
    'that is sent %s is refused within five seconds of the revocation of its key',
    async (_way, path, sent, refusal) => {
      const { bus, agent, asking, revoke, task, expectLateAnswerInMailbox } = await prepare();
      const waiting = bus.call('POST', path, sent, asking.secret);
      await agent.envelope('q1');
      const revoked = Date.now();
      await revoke();
      expect(refusal((await waiting).body)).toMatchObject(unauthorized);
      expect(Date.now() - revoked).toBeLessThan(fiveSeconds);
      expect(await task()).toBe('pending');
      await expectLateAnswerInMailbox();
      expect(await task()).toBe('completed');
    },
  );

  it('is refused when its key expires', async () => {
    const { bus, agent, asking, expectLateAnswerInMailbox } = await prepare({ expires_in: '500ms' });
    const waiting = bus.call('POST', '/messages/send', request, asking.secret);
    await agent.envelope('q1');
    expect((await waiting).body).toMatchObject(unauthorized);
    await expectLateAnswerInMailbox();
  });

  it('in a batch whose caller goes away leaves the reply in the mailbox', async () => {
    const { bus, agent, asking, expectLateAnswerInMailbox } = await prepare();
    const caller = new AbortController();
    const waiting = fetch(`http://127.0.0.1:${bus.port}/messages/batch`, {
      method: 'POST',
      headers: { 'x-agent-api-key': asking.secret, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [request] }),
      signal: caller.signal,
    });
    await agent.envelope('q1');
    caller.abort();
    await expect(waiting).rejects.toThrow();
    await bus.call('GET', '/agents');
    await expectLateAnswerInMailbox();
  });
});

describe('a sync request over a socket', () => {
  it('ends with its socket when the key is revoked', async () => {
    const { bus, agent, asking, revoke, task, expectLateAnswerInMailbox } = await prepare();
    const caller = await bus.connect(orchestrator, { key: asking.secret });
    caller.send(request);
    await agent.envelope('q1');
    const revoked = Date.now();
    await revoke();
    expect(await caller.closed).toEqual({ code: 1008, reason: 'UNAUTHORIZED' });
    expect(Date.now() - revoked).toBeLessThan(fiveSeconds);
    expect(await task()).toBe('pending');
    await expectLateAnswerInMailbox();
    expect(await task()).toBe('completed');
  });

  it('has ended when the close is sent: a reply that comes before the peer has closed is not lost', async () => {
    const { bus, agent, asking, revoke, expectLateAnswerInMailbox } = await prepare();
    const caller = await bus.connect(orchestrator, { key: asking.secret });
    caller.send(request);
    await agent.envelope('q1');
    caller.ws.pause();
    await revoke();
    await expect
      .poll(async () => (await bus.call('GET', '/audit?action=refused')).body.items, { timeout: fiveSeconds })
      .toMatchObject([{ code: 'UNAUTHORIZED', route: 'socket', message_id: 'q1' }]);
    await expectLateAnswerInMailbox();
  });
});
