import { describe, expect, it } from 'vitest';
import { withoutStamp } from '../support/stamp.mjs';
import { expectProblem, expectValid, register, startHttp } from './start-http.ts';

const from = 'claude-code://orchestrator';
const to = 'opencode://backend';
const envelope = (message_id: string) => ({
  message_id,
  sender: { agent_id: from },
  recipient: { agent_id: to },
  message_type: 'status_update',
});

async function start() {
  const http = await startHttp();
  await register(http, from, to);
  return http;
}

describe('sending over HTTP', () => {
  it('answers 202 with the receipt', async () => {
    const { call } = await start();
    const reply = await call('POST', '/messages/send', { body: envelope('m1') });
    expect(reply.status).toBe(202);
    expect(reply.body).toMatchObject({
      success: true,
      message_id: 'm1',
      status: 'queued',
      recipient: { agent_id: to },
    });
  });

  it('makes an id where the envelope has none', async () => {
    const { call } = await start();
    const { message_id: _, ...nameless } = envelope('x');
    expect((await call('POST', '/messages/send', { body: nameless })).body.message_id).toMatch(/^msg_[0-9A-Z]{26}$/);
  });

  it('answers a repeat with the first receipt and says so', async () => {
    const { call } = await start();
    await call('POST', '/messages/send', { body: envelope('m1') });
    expect((await call('POST', '/messages/send', { body: envelope('m1') })).body.duplicate).toBe(true);
  });

  it('refuses to send as somebody else with the token of an agent', async () => {
    const http = await startHttp();
    const [, token] = await register(http, from, to);
    const reply = await http.call('POST', '/messages/send', { body: envelope('m1'), key: token ?? '' });
    expectProblem(reply, 403, 'SENDER_FORBIDDEN');
  });

  it('shows in the ledger where a message is', async () => {
    const { call } = await start();
    await call('POST', '/messages/send', { body: envelope('m1') });
    const { body } = await call('GET', '/messages/m1');
    expect(body.message).toMatchObject({ message_id: 'm1', status: 'queued', recipient_agent_id: to, attempts: [] });
  });

  it('answers a sync request with 200 and the reply', async () => {
    const { call } = await start();
    const request = {
      ...envelope('q1'),
      message_type: 'task_request',
      routing: { delivery_mode: 'sync', timeout: '30s' },
    };
    const asked = call('POST', '/messages/send', { body: request });
    await call('GET', `/agents/${to}/messages?wait=10s`);
    const answer = {
      sender: { agent_id: to },
      recipient: { agent_id: from },
      message_type: 'task_response',
      metadata: { in_reply_to: 'q1' },
      payload: { done: true },
    };
    expect((await call('POST', '/messages/send', { body: answer })).status).toBe(202);
    const { status, body } = await asked;
    expect(status).toBe(200);
    expect(body).toMatchObject({ message_id: 'q1', reply: { payload: { done: true }, sender: { agent_id: to } } });
  });

  it('gives the sync sender up with 504 when nobody answers in time', async () => {
    const { call } = await start();
    const routing = { delivery_mode: 'sync', timeout: '20ms' };
    const request = { ...envelope('m1'), message_type: 'task_request', routing };
    expectProblem(await call('POST', '/messages/send', { body: request }), 504, 'REPLY_TIMEOUT');
  });
});

describe('a batch', () => {
  it('answers for each message in its order, with a receipt or a problem of its own', async () => {
    const { call } = await start();
    const messages = [
      envelope('m1'),
      { ...envelope('m2'), colour: 'red' },
      envelope('m3'),
      { ...envelope('m4'), recipient: { agent_id: 'codex://nobody' } },
      7,
      null,
      { ...envelope('m1') },
    ];
    const reply = await call('POST', '/messages/batch', { body: { messages } });
    expect(reply.status).toBe(200);
    const short = reply.body.items.map((item: Record<string, unknown>) => [item.message_id, item.code ?? item.status]);
    expect(short).toEqual([
      ['m1', 'queued'],
      ['m2', 'VALIDATION_FAILED'],
      ['m3', 'queued'],
      ['m4', 'AGENT_NOT_FOUND'],
      [undefined, 'VALIDATION_FAILED'],
      [undefined, 'VALIDATION_FAILED'],
      ['m1', 'queued'],
    ]);
    expectValid('Problem', reply.body.items[1]);
    expect(reply.body.items[6].duplicate).toBe(true);
  });

  it('passes complete envelopes on byte for byte, as single sends do', async () => {
    const { call } = await start();
    const complete = (id: string) =>
      `{ "payload":{"text":"}]\\"\\u00e9"}, "message_id":"${id}","timestamp":"2025-02-02T11:00:00Z",` +
      `"sender":{"agent_id":"${from}","framework":"claude-code"},"recipient":{"agent_id":"${to}","framework":"opencode"},` +
      '"message_type":"status_update","priority":"low","routing":{"timeout":"5m","retry_policy":' +
      '{"max_retries":1,"backoff":"linear"},"delivery_mode":"async"}}';
    const texts = [complete('m1'), complete('m2')];
    await call('POST', '/messages/batch', { body: `{"messages":[${texts.join('\n,')}]}` });
    const pulled = await call('GET', `/agents/${to}/messages`);
    for (const text of texts) expect(withoutStamp(pulled.text)).toContain(`"envelope":${text}}`);
  });

  it('takes 1,000 messages and no more', async () => {
    const { call } = await start();
    const messages = Array.from({ length: 1001 }, (_, i) => envelope(`m${i}`));
    expectProblem(await call('POST', '/messages/batch', { body: { messages } }), 400, 'VALIDATION_FAILED');
    const { body } = await call('POST', '/messages/batch', { body: { messages: messages.slice(1) } });
    expect(body.items).toHaveLength(1000);
    expect(body.items.every((item: { success: boolean }) => item.success)).toBe(true);
  });

  it.each([{}, { messages: [] }, { messages: {} }, { messages: [1], more: 1 }])('refuses %j', async (body) => {
    const { call } = await start();
    expectProblem(await call('POST', '/messages/batch', { body }), 400, 'VALIDATION_FAILED');
  });
});
