// What a bus does otherwise for one key of its configuration, key by key.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/ports/clock.ts';
import type { ModelProvider } from '../../src/ports/model-provider.ts';
import type { Config } from '../../src/protocol/types.gen.ts';
import { fakeProvider } from '../support/fake-provider.ts';
import { audience, claimsAt, es256, goodToken, issuer, jwtSecret, token } from '../support/jwt.ts';
import { backend, envelope, frontend, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** For what comes with time: a default would take longer. */
const soon = { timeout: 8_000, interval: 20 };
const refused = (code: string) => expect.objectContaining({ name: 'BusError', code });

/** A chat with a model, in a session of its own. */
async function openChat({ bus }: RunningBus, provider: ModelProvider = fakeProvider()) {
  const agentConfig = { name: 'Model', defaultModel: { provider: 'openai', model: 'm' }, aiProviders: [provider] };
  const { sessionManager } = bus;
  const chat = sessionManager.getChat(
    await sessionManager.createChat(sessionManager.createSession({}), { agentConfig }),
  );
  return chat ?? expect.unreachable();
}

/** What the second of two messages is refused with; the first one is taken in. */
async function secondSend(options: Config, more: (bus: RunningBus) => object = () => ({})): Promise<string> {
  const bus = await startBus(options);
  await bus.register(backend);
  await bus.register(orchestrator);
  expect((await bus.send(envelope('m1', orchestrator, backend, more(bus)))).status).toBe(202);
  const answer = { metadata: { in_reply_to: 'm1' } };
  return (await bus.send(envelope('m2', orchestrator, backend, { ...more(bus), ...answer }))).body.code;
}

/** What a credential gets of a bus that takes tokens. */
const tokens = { jwtSecret, jwtIssuer: issuer, jwtAudience: audience };
async function askWith(credential: string, options: Config): Promise<number> {
  const { call } = await startBus(options);
  return (await call('GET', '/agents', undefined, credential)).status;
}

/** Each fails where the key is ignored. */
export const proofs: Partial<Record<keyof Config, () => Promise<void>>> = {
  async messageTimeout() {
    const bus = await startBus({ messageTimeout: 5_000 });
    await bus.register(backend);
    await bus.send(envelope('m1', orchestrator, backend));
    const { deadline, accepted_at } = await bus.ledger('m1');
    expect(Date.parse(deadline) - Date.parse(accepted_at)).toBe(5_000);
  },
  async ackTimeout() {
    const bus = await startBus({ ackTimeout: '1h' });
    await bus.register(backend);
    await bus.send(envelope('m1', orchestrator, backend));
    const { body } = await bus.call('GET', `/agents/${backend}/messages`);
    const leaseMs = Date.parse(body.items[0].lease_ends_at) - Date.now();
    expect(leaseMs).toBeGreaterThan(3_000_000);
    expect(leaseMs).toBeLessThanOrEqual(3_600_000);
  },
  async offlineGrace() {
    const bus = await startBus({ offlineGrace: 1 });
    await bus.connect(frontend);
    await (await bus.connect(backend)).close();
    await bus.untilOffline(backend);
    const routing = { fallback_agents: [frontend] };
    let number = 0;
    await expect
      .poll(
        async () => (await bus.send(envelope(`m${++number}`, orchestrator, backend, { routing }))).body.recipient,
        soon,
      )
      .toMatchObject({ agent_id: frontend, routed_by: expect.stringContaining('for more than 1 ms') });
  },
  async sessionTimeout() {
    const { bus } = await startBus({ sessionTimeout: 40 });
    const sessionId = bus.sessionManager.createSession({});
    await expect.poll(() => bus.sessionManager.getSession(sessionId)?.state, soon).toBe('terminated');
  },
  async retention() {
    const bus = await startBus({ retention: 40, dedupeWindow: 40 });
    const agent = await bus.connect(backend);
    const { sessionManager } = bus.bus;
    const sessionId = sessionManager.createSession({});
    await sessionManager.completeSession(sessionId);
    await bus.send(envelope('m1', orchestrator, backend));
    agent.send({ type: 'ack', message_id: (await agent.envelope('m1')).message_id });
    await expect.poll(() => sessionManager.getSession(sessionId), soon).toBeUndefined();
    await expect.poll(() => bus.ledger('m1'), soon).toBeUndefined();
  },
  async auditRetention() {
    const { schedule } = systemClock;
    const rounds: (() => void)[] = [];
    const spy = vi.spyOn(systemClock, 'schedule').mockImplementation((delayMs, run) => {
      if (delayMs === 60_000) rounds.push(run);
      return schedule(delayMs, run);
    });
    onTestFinished(() => spy.mockRestore());
    const bus = await startBus({ auditRetention: 1 });
    for (const agent of [backend, frontend]) await bus.register(agent);
    const entries = async () => (await bus.call('GET', '/audit')).body.items;
    expect(await entries()).toHaveLength(2);
    // The rounds in which old entries go are a minute apart; the last entry stays.
    await expect
      .poll(() => {
        for (const round of rounds.splice(0)) round();
        return entries();
      }, soon)
      .toMatchObject([{ agent_id: frontend }]);
  },
  async autoAdvance() {
    const steps = [backend, frontend].map((agent_id) => ({ name: agent_id, required_agents: [agent_id] }));
    const participants = [{ agent_id: backend }, { agent_id: frontend }];
    for (const [autoAdvance, current_step] of [
      [true, frontend],
      [false, null],
    ] as const) {
      const bus = await startBus({ autoAdvance });
      const session_id = bus.bus.sessionManager.createSession(orchestrator, participants, steps);
      await bus.send(envelope('m1', orchestrator, backend, { sender: { agent_id: orchestrator, session_id } }));
      const answer = { message_type: 'task_response', metadata: { in_reply_to: 'm1' } };
      await bus.send(envelope('m2', backend, orchestrator, { sender: { agent_id: backend, session_id }, ...answer }));
      expect(bus.session(session_id)?.workflow).toMatchObject({ current_step, completed_steps: [backend] });
    }
  },
  async maxSessions() {
    const { bus } = await startBus({ maxSessions: 1 });
    bus.sessionManager.createSession({});
    expect(() => bus.sessionManager.createSession({})).toThrow(refused('SESSION_LIMIT'));
  },
  async maxChatsPerSession() {
    const { bus } = await startBus({ maxChatsPerSession: 1 });
    const sessionId = bus.sessionManager.createSession({});
    const ask = () => bus.sessionManager.createChat(sessionId, { agentId: backend });
    await ask();
    await expect(ask()).rejects.toEqual(refused('CHAT_LIMIT'));
  },
  async chatHistoryLimit() {
    const chat = await openChat(await startBus({ chatHistoryLimit: 2 }));
    for (const content of ['One', 'Two']) await chat.sendMessage(content);
    expect(chat.getHistory().map(({ role, content }) => (role === 'user' ? content : role))).toEqual([
      'Two',
      'assistant',
    ]);
  },
  async chatHistoryBytes() {
    const chat = await openChat(await startBus({ chatHistoryBytes: 1_024 }));
    for (const letter of ['a', 'b']) await chat.sendMessage(letter.repeat(600));
    expect(chat.getHistory().map(({ content }) => content[0])).not.toContain('a');
  },
  async chatTimeout() {
    const never = () => new Promise<never>(() => undefined);
    const silent = { ...fakeProvider(), stream: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }) };
    const chat = await openChat(await startBus({ chatTimeout: 40 }), silent);
    await expect(chat.sendMessage('Hello?')).rejects.toEqual(refused('CHAT_TIMEOUT'));
  },
  async rateLimit() {
    const { call } = await startBus({ rateLimit: 1 });
    const replies = await Promise.all(Array.from({ length: 10 }, () => call('GET', '/agents')));
    expect(replies.map(({ body }) => body.code)).toContain('RATE_LIMITED');
  },
  async jwtSecret() {
    const credential = goodToken(Date.now());
    expect(await askWith(credential, tokens)).toBe(200);
    expect(await askWith(credential, { ...tokens, jwtSecret: 'another-secret-of-32-characters!' })).toBe(401);
  },
  async jwtIssuer() {
    expect(await askWith(goodToken(Date.now()), { ...tokens, jwtIssuer: 'https://other.test/' })).toBe(401);
  },
  async jwtAudience() {
    expect(await askWith(goodToken(Date.now()), { ...tokens, jwtAudience: 'another-bus' })).toBe(401);
  },
  async jwksUrl() {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }];
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const credential = token({ alg: 'ES256', kid: 'one' }, claimsAt(Date.now()), es256(privateKey));
    expect(await askWith(credential, { jwksUrl, jwtIssuer: issuer, jwtAudience: audience })).toBe(200);
  },
  async maxHops() {
    expect(await secondSend({ maxHops: 1 })).toBe('HOP_LIMIT');
  },
  async maxPairRate() {
    expect(await secondSend({ maxPairRate: 1 })).toBe('PAIR_RATE_LIMITED');
  },
  async maxSessionRate() {
    let session_id: string | undefined;
    const inSession = ({ bus }: RunningBus) => {
      session_id ??= bus.sessionManager.createSession(orchestrator, [{ agent_id: backend }]);
      return { sender: { agent_id: orchestrator, session_id } };
    };
    expect(await secondSend({ maxSessionRate: 1 }, inSession)).toBe('SESSION_RATE_LIMITED');
  },
  async maxMailboxMessages() {
    expect(await secondSend({ maxMailboxMessages: 1 })).toBe('MAILBOX_FULL');
  },
  async maxMailboxBytes() {
    expect(await secondSend({ maxMailboxBytes: 1_024 }, () => ({ payload: 'x'.repeat(600) }))).toBe('MAILBOX_FULL');
  },
  async templates() {
    const file = join(temporaryFolder(), 'templates.json');
    const defaultModel = { provider: 'openai', model: 'm', systemMessage: 'Translate.' };
    writeFileSync(
      file,
      JSON.stringify({ id: 'translator', name: 'Translator', description: 'It does.', defaultModel }),
    );
    expect((await startBus({ templates: file })).bus.templates.get('translator')?.name).toBe('Translator');
  },
};
