import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { withoutStamp } from '../support/stamp.mjs';
import { expectProblem, register, startHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

const from = 'claude-code://orchestrator';
const to = 'opencode://backend';
const mailbox = `/agents/${to}/messages`;

/** Complete, and written as no serializer would write it. */
const asSent = (id: string) =>
  `{ "recipient": {"framework":"opencode","agent_id":"${to}"}, "message_id":"${id}", "timestamp":"2025-02-02T11:00:00Z",
  "sender":{"agent_id":"${from}","framework":"claude-code"},"message_type":"status_update","priority":"medium",
  "payload":{"n":1.50,"big":12345678901234567890,"text":"\\u00e4ä"}, "routing":{"timeout":"300s",
  "retry_policy":{"max_retries":1,"backoff":"linear"},"delivery_mode":"async"}}`;

async function start() {
  const started = await startHttp();
  await register(started, from, to);
  const send = (id: string) => started.call('POST', '/messages/send', { body: asSent(id) });
  return { ...started, send };
}

describe('a mailbox over HTTP', () => {
  it('hands messages out with the bytes that were sent', async () => {
    const { call, send } = await start();
    await send('m1');
    await send('m2');
    const reply = await call('GET', mailbox);
    expect(reply.body.items.map((item: { message_id: string }) => item.message_id)).toEqual(['m1', 'm2']);
    expect(withoutStamp(reply.text)).toContain(`"envelope":${asSent('m1')}},{"message_id":"m2"`);
    expect(reply.body.items[0]).toMatchObject({ attempt: 1, lease_ends_at: expect.stringMatching(/Z$/) });
  });

  it('hands out at most max', async () => {
    const { call, send } = await start();
    await send('m1');
    await send('m2');
    expect((await call('GET', `${mailbox}?max=1`)).body.items).toHaveLength(1);
  });

  it('is empty at once where nothing is to wait for', async () => {
    const { call } = await start();
    expect((await call('GET', mailbox)).body).toEqual({ success: true, items: [] });
  });

  it('waits for the first message', async () => {
    const { call, send } = await start();
    const pulled = call('GET', `${mailbox}?wait=30s`);
    await send('m1');
    expect((await pulled).body.items).toHaveLength(1);
  });

  it('ends a wait without a message when the time is over', async () => {
    const { call } = await start();
    expect((await call('GET', `${mailbox}?wait=20ms`)).body.items).toEqual([]);
  });

  it('does not hand a message to a client that is gone', async () => {
    const { call, send, port, app } = await start();
    const leaving = http.get({ port, path: `${mailbox}?wait=30s`, headers: { 'x-agent-api-key': busKey } });
    leaving.on('error', () => undefined);
    const connection = await new Promise<{ on(event: 'close', run: () => void): void }>((resolve) =>
      app.server.once('connection', resolve),
    );
    await new Promise<void>((resolve) => app.server.once('request', () => setImmediate(resolve)));
    const closed = new Promise<void>((resolve) => connection.on('close', resolve));
    leaving.destroy();
    await closed;
    await send('m1');
    expect((await call('GET', mailbox)).body.items).toMatchObject([{ message_id: 'm1', attempt: 1 }]);
  });

  it('lets the server stop while clients wait', async () => {
    const { call, app } = await start();
    const asked = new Promise<void>((resolve) => app.server.once('request', () => setImmediate(resolve)));
    const pulled = call('GET', `${mailbox}?wait=60s`);
    await asked;
    await app.close();
    const reply = await pulled;
    expect(reply.body.items).toEqual([]);
    expect(reply.headers.connection).toBe('close');
  });

  it('settles a message with ack, also twice', async () => {
    const { call, send } = await start();
    await send('m1');
    expectProblem(await call('POST', `${mailbox}/m1/ack`), 409, 'NOT_OFFERED');
    await call('GET', mailbox);
    for (const headers of [{}, { 'content-type': 'application/json' }] as Record<string, string>[]) {
      const reply = await call('POST', `${mailbox}/m1/ack`, { headers });
      expect(reply.body).toEqual({ success: true, message_id: 'm1', status: 'acknowledged' });
    }
    expectProblem(await call('POST', `${mailbox}/m9/ack`), 404, 'MESSAGE_NOT_FOUND');
  });

  it('takes a message back with nack, with and without a body', async () => {
    const { call, send } = await start();
    await send('m1');
    await send('m2');
    await call('GET', mailbox);
    expect((await call('POST', `${mailbox}/m1/nack`)).body.status).toBe('queued');
    expect((await call('POST', `${mailbox}/m2/nack`, { body: { delay: '5s', reason: 'busy' } })).body.status).toBe(
      'queued',
    );
    expectProblem(await call('POST', `${mailbox}/m1/nack`, { body: { delay: 5 } }), 400, 'VALIDATION_FAILED');
    expectProblem(await call('POST', `${mailbox}/m1/nack`, { body: 'null' }), 400, 'VALIDATION_FAILED');
  });

  it('gives a message up with requeue: false, and dead letters can be read, sent again and forgotten', async () => {
    const { call, send } = await start();
    for (const id of ['m1', 'm2']) {
      await send(id);
      await call('GET', mailbox);
      const { body } = await call('POST', `${mailbox}/${id}/nack`, { body: { requeue: false, reason: 'cannot' } });
      expect(body.status).toBe('dead');
    }
    const dead = await call('GET', '/dead-letters?limit=10');
    expect(dead.body.items.map((item: { message_id: string }) => item.message_id)).toEqual(['m1', 'm2']);
    expect(dead.body.items[0]).toMatchObject({ status: 'dead', reason: expect.stringContaining('cannot') });

    expect((await call('POST', '/dead-letters/m1/redrive')).body.status).toBe('queued');
    expect((await call('DELETE', '/dead-letters/m2')).status).toBe(204);
    expect((await call('GET', '/dead-letters')).body.items).toEqual([]);
    expect((await call('GET', mailbox)).body.items).toMatchObject([{ message_id: 'm1' }]);
  });
});
