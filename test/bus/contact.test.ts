import { describe, expect, it } from 'vitest';
import {
  backend,
  envelope,
  frontend,
  noRetries,
  orchestrator,
  type RunningBus,
  startBus,
} from '../support/running-bus.ts';

const qa = 'claude-code://qa';
const stranger = 'custom://stranger';

function register(bus: RunningBus, agent_id: string, contact: unknown, capabilities: string[] = []) {
  return bus.call('POST', '/agents/register', { agent_descriptor: { agent_id, capabilities }, contact });
}

const code = async (sending: ReturnType<RunningBus['send']>) => (await sending).body.code;

describe('an agent that says who may write to it', () => {
  it('is open to all where it says nothing, and again where it registers so', async () => {
    const bus = await startBus();
    await register(bus, qa, undefined);
    expect((await bus.send(envelope('m1', stranger, qa))).status).toBe(202);
    expect(await bus.agent(qa)).not.toHaveProperty('contact');
    await register(bus, qa, { list: [] });
    expect(await code(bus.send(envelope('m2', stranger, qa)))).toBe('CONTACT_REFUSED');
    await register(bus, qa, 'open');
    expect((await bus.send(envelope('m2', stranger, qa))).status).toBe(202);
  });

  it('is told of by its entry, and refused as nothing else than it may be', async () => {
    const bus = await startBus();
    expect((await register(bus, qa, 'session')).body.agent.contact).toBe('session');
    expect((await register(bus, qa, { list: [orchestrator] })).body.agent.contact).toBe('list');
    expect(JSON.stringify(await bus.agent(qa))).not.toContain(orchestrator);
    for (const wrong of ['closed', { list: 'all' }, { list: ['nobody'] }, {}, null, [orchestrator]]) {
      expect((await register(bus, qa, wrong)).body.code).toBe('VALIDATION_FAILED');
    }
  });

  it('gets nothing from others, and they are told 403, an event and a figure', async () => {
    const bus = await startBus();
    const told: unknown[] = [];
    bus.bus.on('guard_tripped', (trip) => told.push(trip));
    await register(bus, qa, { list: [orchestrator] });
    const agent = await bus.connect(qa);
    const refused = await bus.send(envelope('m1', stranger, qa));
    expect(refused).toMatchObject({ status: 403, body: { code: 'CONTACT_REFUSED', retryable: false } });
    expect(await bus.ledger('m1')).toBeUndefined();
    const beat = envelope('h1', stranger, qa, { message_type: 'heartbeat' });
    expect(await code(bus.send(beat))).toBe('CONTACT_REFUSED');
    await bus.send(envelope('m2', orchestrator, qa));
    expect((await agent.envelope()).message_id).toBe('m2');
    expect(told).toEqual([
      expect.objectContaining({ guard: 'contact', sender: stranger, recipient: { agent_id: qa }, message_id: 'm1' }),
      expect.objectContaining({ guard: 'contact', message_id: 'h1' }),
    ]);
  });

  it('as session gets what those write who share an active session with it, as long as they do', async () => {
    const bus = await startBus();
    await register(bus, qa, 'session');
    const sessions = bus.bus.sessionManager;
    expect(await code(bus.send(envelope('m1', backend, qa)))).toBe('CONTACT_REFUSED');
    sessions.createSession(frontend, [{ agent_id: backend }]);
    const id = sessions.createSession(orchestrator, [{ agent_id: qa }]);
    expect(await code(bus.send(envelope('m1', backend, qa)))).toBe('CONTACT_REFUSED');
    sessions.addParticipant(id, { agent_id: backend });
    // They need not speak in it.
    expect((await bus.send(envelope('m1', backend, qa))).status).toBe(202);
    sessions.removeParticipant(id, backend);
    expect(await code(bus.send(envelope('m2', backend, qa)))).toBe('CONTACT_REFUSED');
    expect((await bus.send(envelope('m3', orchestrator, qa))).status).toBe(202);
    sessions.completeSession(id);
    expect(await code(bus.send(envelope('m4', orchestrator, qa)))).toBe('CONTACT_REFUSED');
    // What was taken in before is answered as before.
    expect((await bus.send(envelope('m3', orchestrator, qa))).body.duplicate).toBe(true);
  });

  it('gets the answers to what it asked, from whom it asked, also over its waiting request', async () => {
    const bus = await startBus();
    await register(bus, qa, { list: [] });
    const agent = await bus.connect(backend);
    await bus.register(frontend);
    const answer = (id: string, from: string, in_reply_to?: string) =>
      bus.send(
        envelope(id, from, qa, { message_type: 'task_response', ...(in_reply_to && { metadata: { in_reply_to } }) }),
      );
    await bus.send(envelope('m1', qa, backend));
    expect(await code(answer('a1', backend))).toBe('CONTACT_REFUSED');
    expect(await code(answer('a2', frontend, 'm1'))).toBe('CONTACT_REFUSED');
    expect(await code(answer('a3', backend, 'm9'))).toBe('CONTACT_REFUSED');
    expect((await answer('a4', backend, 'm1')).status).toBe(202);
    await bus.send(envelope('m2', frontend, backend));
    expect(await code(answer('a5', backend, 'm2'))).toBe('CONTACT_REFUSED');
    const waiting = bus.send(envelope('m3', qa, backend, { routing: { delivery_mode: 'sync' } }));
    await agent.envelope('m3');
    await answer('a6', backend, 'm3');
    expect((await waiting).body.reply.message_id).toBe('a6');
  });

  it('gets an answer of whoever was given its request, also of one who passed it on', async () => {
    const bus = await startBus();
    await register(bus, qa, { list: [] });
    const [first, second] = [await bus.connect(backend), await bus.connect(frontend)];
    await bus.send(envelope('m1', qa, backend, { routing: { ...noRetries, fallback_agents: [frontend] } }));
    await first.envelope('m1');
    first.send({ type: 'nack', message_id: 'm1', requeue: false });
    await second.envelope('m1');
    for (const from of [backend, frontend]) {
      const late = { message_type: 'status_update', metadata: { in_reply_to: 'm1' } };
      expect((await bus.send(envelope(`a-${from.slice(0, 5)}`, from, qa, late))).status).toBe(202);
    }
  });
});

describe('an agent of one user', () => {
  it('refuses nobody of another user: to them it is not there, whatever its policy', async () => {
    const bus = await startBus();
    const keyOf = async (user_id: string) =>
      (await bus.call('POST', '/keys', { workspace_id: 'default', user_id })).body.secret;
    const [key, foreign] = [await keyOf('user-a'), await keyOf('user-b')];
    const own = (agent_id: string) => ({ agent_descriptor: { agent_id, capabilities: ['review'] } });
    await bus.call('POST', '/agents/register', { ...own(qa), contact: { list: [] } }, key);
    await bus.call('POST', '/agents/register', own(backend), key);
    await bus.call('POST', '/agents/register', { agent_descriptor: { agent_id: stranger, capabilities: [] } }, foreign);
    expect(await code(bus.send(envelope('m1', backend, qa), key))).toBe('CONTACT_REFUSED');
    for (const more of [{}, { message_type: 'heartbeat' }, { recipient: { capability: 'review' } }]) {
      expect(await code(bus.send(envelope('m2', stranger, qa, more), foreign))).toBe('AGENT_NOT_FOUND');
    }
  });
});

describe('what is addressed to more than one', () => {
  it('passes over agents with the capability that may not be written to', async () => {
    const bus = await startBus();
    await register(bus, qa, { list: [orchestrator] }, ['review']);
    const review = { recipient: { capability: 'review' } };
    const refused = await bus.send(envelope('m1', stranger, '', review));
    expect(refused).toMatchObject({ status: 403, body: { code: 'CONTACT_REFUSED' } });
    expect((await bus.send(envelope('m2', orchestrator, '', review))).body.recipient.agent_id).toBe(qa);
    await register(bus, backend, 'open', ['review']);
    await bus.connect(qa);
    for (const id of ['m3', 'm4']) {
      expect((await bus.send(envelope(id, stranger, '', review))).body.recipient.agent_id).toBe(backend);
    }
    const { body } = await bus.send(envelope('m5', stranger, '', { recipient: { capability: 'flying' } }));
    expect(body.code).toBe('AGENT_NOT_FOUND');
  });

  it('passes over such fallbacks, from the start and later', async () => {
    const bus = await startBus();
    await register(bus, qa, { list: [] });
    await bus.register(frontend);
    const fallbacks = { routing: { ...noRetries, fallback_agents: [qa, frontend] } };
    const sent = await bus.send(envelope('m1', orchestrator, 'nobody://here', fallbacks));
    expect(sent.body.recipient.agent_id).toBe(frontend);
    const agent = await bus.connect(backend);
    await bus.send(envelope('m2', orchestrator, backend, fallbacks));
    // It closes its door only now.
    await register(bus, frontend, { list: [] });
    await agent.envelope('m2');
    agent.send({ type: 'nack', message_id: 'm2', requeue: false });
    await bus.untilStatus('m2', 'dead');
    // The addressed one that may not be written to is no case for a fallback.
    await bus.register(stranger);
    const refused = envelope('m3', orchestrator, qa, { routing: { fallback_agents: [stranger] } });
    expect(await code(bus.send(refused))).toBe('CONTACT_REFUSED');
  });

  it('reaches by a broadcast whoever shares the session, and of lists those who have its sender', async () => {
    const bus = await startBus();
    await register(bus, qa, 'session');
    await register(bus, frontend, { list: [backend] });
    const session_id = bus.bus.sessionManager.createSession(orchestrator, [{ agent_id: qa }, { agent_id: frontend }]);
    const broadcast = (id: string, role?: string) =>
      bus.send(
        envelope(id, orchestrator, '', {
          message_type: 'status_update',
          recipient: { session_id, ...(role && { role }) },
        }),
      );
    const { body } = await broadcast('b1');
    expect(body.recipients.map((one: { agent_id: string }) => one.agent_id)).toEqual([qa]);
    bus.bus.sessionManager.removeParticipant(session_id, qa);
    expect(await code(broadcast('b2'))).toBe('CONTACT_REFUSED');
  });
});
