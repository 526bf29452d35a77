// A session of three agents, worked through a real bus over HTTP: a conflict, a failure, a retry, a fallback, one task left undone.
import { expect, vi } from 'vitest';
import { Bus } from '../../src/bus/bus.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

export const lead = 'claude-code://orchestrator';
export const backend = 'opencode://backend';
export const frontend = 'codex://frontend';
export const qa = 'claude-code://qa';

const minute = 60_000;

async function startWithClock() {
  const clock = new ManualClock();
  const bus = await Bus.open({
    store: createMemoryStore({ clock, random: () => 0 }),
    clock,
    apiKey: busKey,
    messageTimeoutMs: 60 * minute,
    ackTimeoutMs: 60 * minute,
    offlineGraceMs: 10_000,
    sessionTimeoutMs: 600 * minute,
    retentionMs: 600 * minute,
    autoAdvance: true,
    rateLimit: 0,
    maxHops: 32,
    maxPairRate: 0,
    maxSessionRate: 0,
    onError: (error) => {
      throw error;
    },
  });
  return { clock, http: await startHttp({ bus }) };
}

/** The session before its end; the bus is closed when the test ends. */
export async function workThrough(sessionId: string) {
  const { clock, http } = await startWithClock();
  const { call } = http;
  const send = async (body: object) => {
    const reply = await call('POST', '/messages/send', { body });
    expect(reply.status, reply.text).toBe(202);
  };
  const ask = (id: string, to: string, task_type: string, more: { step?: string; fallback_agents?: string[] } = {}) =>
    send({
      message_id: id,
      sender: { agent_id: lead, session_id: sessionId },
      recipient: { agent_id: to },
      message_type: 'task_request',
      payload: { task_type },
      metadata: { task_id: `task_${id}`, ...(more.step !== undefined && { step: more.step }) },
      ...(more.fallback_agents && { routing: { fallback_agents: more.fallback_agents } }),
    });
  const say = (message_type: string, from: string, in_reply_to: string, payload: unknown = null) =>
    send({
      sender: { agent_id: from, session_id: sessionId },
      recipient: { agent_id: lead },
      message_type,
      payload,
      metadata: { in_reply_to },
    });
  const take = (agent: string, id: string) =>
    vi.waitFor(async () => {
      const { body } = await call('GET', `/agents/${agent}/messages`);
      expect(body.items.map((item: { message_id: string }) => item.message_id)).toContain(id);
    });
  const nack = (agent: string, id: string, body: object) =>
    call('POST', `/agents/${agent}/messages/${id}/nack`, { body });

  await call('POST', '/sessions', {
    body: {
      session_id: sessionId,
      name: 'Notifications, release 2',
      orchestrator: lead,
      participants: [
        { agent_id: backend, role: 'implementer' },
        { agent_id: frontend, role: 'implementer' },
        { agent_id: qa, role: 'reviewer' },
      ],
      workflow: [
        { name: 'implementation', required_agents: [backend, frontend] },
        { name: 'review', required_agents: [qa] },
        { name: 'release', required_agents: [] },
      ],
    },
  });

  clock.advance(5_000);
  await ask('build_api', backend, 'implementation');
  await ask('build_page', frontend, 'implementation');
  await take(backend, 'build_api');
  await nack(backend, 'build_api', { reason: 'compiling' });
  clock.advance(2_000);
  await take(backend, 'build_api');
  await say('status_update', backend, 'build_api');
  clock.advance(4 * minute + 13_000);
  await say('task_response', backend, 'build_api', { api_version: 7, endpoints: 12 });
  await take(frontend, 'build_page');
  await say('status_update', frontend, 'build_page');
  clock.advance(2 * minute + 250);
  await say('task_response', frontend, 'build_page', { api_version: 6, pages: 3 });

  await ask('risk_1', backend, 'risk', { step: 'review' });
  await ask('risk_2', qa, 'risk', { step: 'review' });
  await ask('risk_3', frontend, 'risk', { step: 'review' });
  clock.advance(40_000);
  await say('task_response', backend, 'risk_1', { risk: 'low', ready: true, confidence: 0.35 });
  clock.advance(11_500);
  await say('task_response', qa, 'risk_2', { risk: 'high', ready: true, confidence: { risk: 0.9, ready: 0.5 } });
  await ask('smoke_test', qa, 'smoke test', { step: 'review' });
  clock.advance(9_000);
  await say('error', qa, 'smoke_test', { code: 'E_TIMEOUT', after_s: 8 });

  await ask('notes', qa, 'release notes', { step: 'release', fallback_agents: [frontend] });
  await take(qa, 'notes');
  clock.advance(1_000);
  await nack(qa, 'notes', { requeue: false, reason: 'no access to the wiki' });
  await take(frontend, 'notes');
  clock.advance(20_000);
  await say('task_response', frontend, 'notes', 'Notifications: 3 pages, API 7');
  clock.advance(30_000);
  return { call, clock };
}
