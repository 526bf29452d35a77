import { describe, expect, it } from 'vitest';
import {
  backend,
  envelope,
  frontend,
  key,
  noRetries,
  orchestrator,
  startBus,
  v1,
  waiting,
} from '../support/running-bus.ts';
import { SocketClient } from '../support/socket-client.ts';
import { withoutStamp } from '../support/stamp.mjs';

describe('the dialect agent-bus.v1', () => {
  it('begins with a hello that names the connection, its window and the mail that waits', async () => {
    const bus = await startBus({ maxInFlight: 7, heartbeatInterval: '20s' });
    await bus.register(backend);
    await bus.send(envelope('m1', orchestrator, backend));
    const client = await SocketClient.open(bus.socketUrl(backend), [v1], { headers: { 'x-agent-api-key': key } });
    expect(client.ws.protocol).toBe(v1);
    expect(await client.next()).toEqual({
      type: 'hello',
      agent_id: backend,
      connection_id: expect.stringMatching(/^conn_/),
      heartbeat_interval_ms: 20_000,
      max_in_flight: 7,
      queued: 1,
    });
    expect((await client.next()).message_id).toBe('m1');
  });

  it('is spoken under /ws as well', async () => {
    const bus = await startBus();
    const client = await bus.connect(backend, { path: '/ws' });
    expect(client.ws.protocol).toBe(v1);
  });

  it('answers what arrived together with one frame of receipts, in order', async () => {
    const bus = await startBus();
    const [client] = [await bus.connect(orchestrator), await bus.connect(backend)];
    const ids = Array.from({ length: 20 }, (_, i) => `m${i}`);
    client.ws.pause();
    for (const id of ids) client.send(envelope(id, orchestrator, backend));
    client.ws.resume();
    const receipts: string[] = [];
    let frames = 0;
    while (receipts.length < ids.length) {
      const { receipts: some } = await client.type('accepted');
      receipts.push(...some.map((one: { message_id: string }) => one.message_id));
      frames++;
    }
    expect(receipts).toEqual(ids);
    expect(frames).toBeLessThan(5);
  });

  it('refuses with the code and the id of what it refuses, and goes on', async () => {
    const bus = await startBus();
    const client = await bus.connect(orchestrator);
    client.send(envelope('m1', orchestrator, 'nobody://here'));
    expect(await client.next()).toMatchObject({
      type: 'rejected',
      message_id: 'm1',
      code: 'AGENT_NOT_FOUND',
      retryable: false,
    });
    client.send(envelope('m2', orchestrator, orchestrator));
    expect((await client.receipt('m2')).status).toBe('offered');
  });

  it('names the place of every fault of an envelope', async () => {
    const bus = await startBus();
    const client = await bus.connect(orchestrator);
    client.send(envelope('m1', orchestrator, backend, { colour: 'red' }));
    const { code, error, errors } = await client.next();
    expect(code).toBe('VALIDATION_FAILED');
    expect(error).toContain('colour');
    expect(errors).toEqual([{ path: '/colour', message: 'unknown field "colour"' }]);
  });
});

describe('plain envelopes', () => {
  it('come without hello and receipts, and taking the frame is the ack', async () => {
    const bus = await startBus();
    await bus.register(backend);
    await bus.send(envelope('m1', orchestrator, backend));
    const client = await bus.connectPlain(backend);
    expect(client.ws.protocol).toBe('');
    client.send(envelope('m2', backend, backend));
    expect([(await client.next()).message_id, (await client.next()).message_id]).toEqual(['m1', 'm2']);
    const { attempts } = await bus.untilStatus('m1', 'acknowledged');
    expect(attempts).toMatchObject([{ attempt: 1, agent_id: backend, door: 'websocket', outcome: 'acked' }]);
    await bus.untilStatus('m2', 'acknowledged');
    expect(client.unread).toEqual([]);
  });

  it('are refused with an error envelope of the bus that names what it answers', async () => {
    const bus = await startBus();
    const client = await bus.connectPlain(orchestrator);
    client.send(envelope('m1', orchestrator, 'nobody://here'));
    expect(await client.next()).toMatchObject({
      sender: { agent_id: 'bus://agent-bus', framework: 'bus' },
      recipient: { agent_id: orchestrator, framework: 'claude-code' },
      message_type: 'error',
      payload: { code: 'AGENT_NOT_FOUND', retryable: false },
      metadata: { in_reply_to: 'm1' },
    });
  });

  it('are refused with a valid envelope also where the refused id is not valid', async () => {
    const bus = await startBus();
    const client = await bus.connectPlain(orchestrator);
    for (const message_id of ['', 'white space', 'ü', 'x'.repeat(100_000)]) {
      client.send(envelope(message_id, orchestrator, backend));
      expect((await client.next()).payload.code).toBe('VALIDATION_FAILED');
    }
  });

  it('are all that is spoken there', async () => {
    const bus = await startBus();
    const client = await bus.connectPlain(orchestrator);
    client.send({ type: 'ack', message_id: 'm1' });
    expect((await client.next()).payload.code).toBe('VALIDATION_FAILED');
  });
});

describe('agents in conversation', () => {
  it('talk in both dialects while a third one pulls over HTTP', async () => {
    const bus = await startBus();
    const lead = await bus.connect(orchestrator);
    const plain = await bus.connectPlain(backend);
    await bus.register(frontend);
    lead.send(envelope('to-plain', orchestrator, backend));
    lead.send(envelope('to-puller', orchestrator, frontend));
    expect((await plain.envelope()).message_id).toBe('to-plain');
    plain.send(envelope('from-plain', backend, orchestrator, { message_type: 'task_response' }));
    expect((await lead.envelope()).message_id).toBe('from-plain');
    lead.ack('from-plain');

    const { body } = await bus.call('GET', `/agents/${frontend}/messages?wait=2s`);
    expect(body.items).toMatchObject([
      { message_id: 'to-puller', attempt: 1, envelope: { payload: { say: 'to-puller' } } },
    ]);
    await bus.call('POST', `/agents/${frontend}/messages/to-puller/ack`);
    const reply = envelope('from-puller', frontend, orchestrator, { message_type: 'task_response' });
    expect((await bus.send(reply)).status).toBe(202);
    expect((await lead.envelope()).message_id).toBe('from-puller');
    lead.ack('from-puller');
    for (const id of ['to-plain', 'to-puller', 'from-plain', 'from-puller']) await bus.untilStatus(id, 'acknowledged');
  });

  it.each(['framed', 'plain', 'pull'])('receive a complete envelope byte for byte later (%s)', async (door) => {
    const bus = await startBus();
    await bus.register(backend);
    const complete = `{ "message_id":"m1","timestamp":"2025-02-02T11:00:00Z", "sender":{"agent_id":"${orchestrator}","framework":"claude-code"},
      "recipient":{"framework":"opencode","agent_id":"${backend}"},"message_type":"task_request","priority":"high",
      "payload":{"ü":1.50,"\\u0041":[ ]},"routing":{"timeout":"300s","retry_policy":{"max_retries":1,"backoff":"linear"},"delivery_mode":"async"}}`;
    expect((await bus.call('POST', '/messages/send', complete)).status).toBe(202);
    if (door === 'pull') {
      const response = await fetch(`http://127.0.0.1:${bus.port}/agents/${encodeURIComponent(backend)}/messages`, {
        headers: { 'x-agent-api-key': key },
      });
      expect(withoutStamp(await response.text())).toContain(complete);
    } else {
      const client = await (door === 'plain' ? bus.connectPlain(backend) : bus.connect(backend));
      expect(withoutStamp((await client.nextRaw()).text)).toBe(complete);
    }
  });
});

describe('a bus that stops', () => {
  it('says draining, takes the acks that come, and closes with 1012', async () => {
    const bus = await startBus({ shutdownTimeout: '4s' });
    const framed = await bus.connect(backend);
    const plain = await bus.connectPlain(frontend);
    await bus.send(envelope('m1', orchestrator, backend, { routing: noRetries }));
    await framed.envelope('m1');
    const stopping = bus.bus.stop();
    await framed.type('draining');
    framed.send(envelope('m2', backend, frontend));
    expect(await framed.next()).toMatchObject({ type: 'rejected', message_id: 'm2', code: 'SHUTTING_DOWN' });
    framed.ack('m1');
    expect(await framed.closed).toEqual({ code: 1012, reason: 'SHUTTING_DOWN' });
    expect((await plain.closed).code).toBe(1012);
    await stopping;
    expect(plain.unread).toEqual([]);
  });

  it('does not wait for leases that have ended', async () => {
    const bus = await startBus({ ackTimeout: 50, shutdownTimeout: '8s' });
    const client = await bus.connect(backend);
    await bus.send(envelope('m1', orchestrator, backend, { routing: noRetries }));
    await client.envelope('m1');
    await bus.untilStatus('m1', 'dead');
    const began = Date.now();
    await bus.bus.stop();
    expect(Date.now() - began).toBeLessThan(waiting.timeout);
  });
});
