import { describe, expect, it, vi } from 'vitest';
import { backend, envelope, orchestrator, type RunningBus, startBus } from '../support/running-bus.ts';
import type { SocketClient } from '../support/socket-client.ts';

const valid = envelope('m1', orchestrator, backend);
const text = (more: object) => JSON.stringify({ ...valid, ...more });
const nested = (levels: number) => `{"message_type":"error","payload":${'['.repeat(levels)}${']'.repeat(levels)}}`;

const malformed: [what: string, frame: string | Buffer][] = [
  ['nothing', ''],
  ['half an object', '{"message_id":'],
  ['two objects', '{}{}'],
  ['no JSON', 'hello'],
  ['a byte order mark', `\uFEFF${text({})}`],
  ['__proto__', `{"__proto__":{"admin":true},${text({}).slice(1)}`],
  ['__proto__ deep inside', text({ payload: 0 }).replace('"payload":0', '"payload":{"a":[{"__proto__":1}]}')],
  ['an escaped __proto__', text({}).replace('{', '{"\\u005f_proto__":{},')],
  ['constructor.prototype', text({ payload: { constructor: { prototype: {} } } })],
  ['100,000 levels', nested(100_000)],
  ['100,000 levels without an end', '['.repeat(100_000)],
];

const invalid: [what: string, frame: string][] = [
  ['an array', '[]'],
  ['an array of envelopes', JSON.stringify([valid])],
  ['a number', '42'],
  ['a string', '"ack"'],
  ['null', 'null'],
  ['true', 'true'],
  ['an empty object', '{}'],
  ['an unknown type', '{"type":"subscribe"}'],
  ['a type that is no text', '{"type":["ack"]}'],
  ['an inherited name as its type', '{"type":"constructor"}'],
  ["a server's frame", '{"type":"draining"}'],
  ['an ack of nothing', '{"type":"ack"}'],
  ['an ack of an empty list', '{"type":"ack","message_ids":[]}'],
  ['an ack of both', '{"type":"ack","message_id":"a","message_ids":["b"]}'],
  ['an ack of a number', '{"type":"ack","message_id":7}'],
  ['an ack of an odd id', '{"type":"ack","message_id":"a b"}'],
  [
    'an ack of 1,001 messages',
    JSON.stringify({ type: 'ack', message_ids: Array.from({ length: 1_001 }, (_, i) => `m${i}`) }),
  ],
  ['a nack with a bad delay', '{"type":"nack","message_id":"a","delay":"soon"}'],
  ['a nack with a delay in milliseconds', '{"type":"nack","message_id":"a","delay":500}'],
  ['an extend without an id', '{"type":"extend"}'],
  ['an extend with an unknown field', '{"type":"extend","message_id":"a","by":"1h"}'],
  ['an id of 100 KB', text({ message_id: 'x'.repeat(100_000) })],
  ['an agent id of 100 KB', text({ recipient: { agent_id: `a://${'x'.repeat(100_000)}` } })],
  ['an unknown field', text({ colour: 'red' })],
  ['an unknown field of the sender', text({ sender: { agent_id: orchestrator, name: 'x' } })],
  ['an unknown field of the routing', text({ routing: { ttl: 1 } })],
];

const wrongTypes: Record<string, unknown[]> = {
  message_id: [1, null, {}, [], '', 'a b', 'ü', 'a/b'],
  timestamp: [1, null, 'yesterday', '2025-02-02', '2025-13-40T00:00:00Z'],
  sender: [null, 'a://b', [], {}, { agent_id: 1 }, { agent_id: 'x' }, { agent_id: orchestrator, session_id: 5 }],
  recipient: [
    null,
    backend,
    {},
    { agent_id: backend, capability: 'x' },
    { capability: '' },
    { session_id: 'a b' },
    { role: 'x' },
    { agent_id: backend, session_id: 's' },
    { agent_id: backend, role: 'x' },
  ],
  message_type: [1, null, 'chat', 'TASK_REQUEST', '__proto__'],
  priority: [1, null, 'urgent', 'High'],
  routing: [
    null,
    [],
    { timeout: 300 },
    { timeout: '0s' },
    { timeout: '1.5s' },
    { retry_policy: { max_retries: -1 } },
    { retry_policy: { max_retries: '1' } },
    { retry_policy: { backoff: 'none' } },
    { fallback_agents: 'a://b' },
    { fallback_agents: Array(9).fill(backend) },
    { delivery_mode: 'SYNC' },
    { deliver_after: 5 },
    { deliver_after: '1.5s' },
  ],
  metadata: [null, [], 'x', { task_id: 1 }, { in_reply_to: 'a b' }, { step: '' }, { traceparent: 1 }, { bus: {} }],
};

async function start(): Promise<{ bus: RunningBus; client: SocketClient }> {
  const bus = await startBus({ maxPayload: 512 * 1_024 });
  await bus.register(backend);
  return { bus, client: await bus.connect(orchestrator) };
}

/** The socket that was refused something still works. */
async function expectAlive(client: SocketClient, id: string): Promise<void> {
  client.send(envelope(id, orchestrator, backend));
  expect((await client.receipt(id)).status).toBe('queued');
}

describe('what a socket cannot read', () => {
  it('is refused with MALFORMED_JSON, and the socket goes on', async () => {
    const { client } = await start();
    for (const [index, [what, frame]] of malformed.entries()) {
      client.sendText(frame);
      const rejected = await client.next();
      expect(rejected, what).toMatchObject({ type: 'rejected', code: 'MALFORMED_JSON' });
      expect(rejected.message_id).toBeUndefined();
      await expectAlive(client, `alive${index}`);
    }
  });

  it('is refused with VALIDATION_FAILED where it is no frame of the contract, and the socket goes on', async () => {
    const { bus, client } = await start();
    for (const [index, [what, frame]] of invalid.entries()) {
      client.sendText(frame);
      const rejected = await client.next();
      expect(rejected, what).toMatchObject({ type: 'rejected', code: 'VALIDATION_FAILED', retryable: false });
      expect(JSON.stringify(rejected).length, what).toBeLessThan(4_096);
      await expectAlive(client, `alive${index}`);
    }
    expect((await bus.agent(backend)).queued).toBe(invalid.length);
  });

  it('is refused field by field, each by its name', async () => {
    const { bus, client } = await start();
    for (const [field, values] of Object.entries(wrongTypes)) {
      for (const value of values) {
        client.sendText(text({ [field]: value }));
        const { code, errors } = await client.next();
        expect(code, `${field}: ${JSON.stringify(value)}`).toBe('VALIDATION_FAILED');
        expect(errors[0].path, `${field}: ${JSON.stringify(value)}`).toMatch(new RegExp(`^/${field}`));
      }
    }
    await expectAlive(client, 'alive');
    expect((await bus.agent(backend)).queued).toBe(1);
  });

  it('reaches the prototype of nothing', async () => {
    const { client } = await start();
    client.sendText('{"type":"ack","message_id":"a","__proto__":{"polluted":1}}');
    await client.next();
    client.sendText(text({ message_id: 'm2', metadata: { constructor: 1, toString: 2 } }));
    await client.receipt('m2');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('is stored and delivered as it came where it is only unusual', async () => {
    const { bus, client } = await start();
    const payload = {
      '': null,
      deep: JSON.parse(`${'['.repeat(400)}${']'.repeat(400)}`),
      text: '\u0000\u2028 "\\ 😀',
      big: 1e308,
    };
    client.sendText(text({ payload }));
    await client.receipt('m1');
    const agent = await bus.connect(backend);
    expect((await agent.envelope('m1')).payload).toEqual(payload);
  });
});

describe('what ends a socket', () => {
  it.each([
    ['a frame larger than maxPayload', 1009, 'x'.repeat(600 * 1_024), undefined],
    ['a binary frame', 1003, Buffer.from(text({})), { binary: true }],
    ['text that is not UTF-8', 1007, Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false }],
  ])('is %s: %d', async (_what, code, data, options) => {
    const { bus, client } = await start();
    client.ws.send(data, options ?? {});
    client.sendText(text({ message_id: 'after' }));
    expect((await client.closed).code).toBe(code);
    await vi.waitFor(async () => expect((await bus.agent(orchestrator)).online).toBe(false));
    expect(await bus.ledger('after')).toBeUndefined();
    expect((await bus.agent(backend)).queued).toBe(0);
    await expectAlive(await bus.connect(orchestrator), 'alive');
  });
});

describe('unreadable frames', () => {
  it('end a socket with 1008 when 100 come one behind the other', async () => {
    const { bus, client } = await start();
    for (let i = 0; i < 150; i++) client.sendText('[]');
    expect(await client.closed).toEqual({ code: 1008, reason: 'TOO_MANY_INVALID_FRAMES' });
    expect(client.unread.filter(({ frame }) => frame.type === 'rejected')).toHaveLength(100);
    await expectAlive(await bus.connect(orchestrator), 'alive');
  });

  it('are counted anew after a readable one', async () => {
    const { client } = await start();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 99; i++) client.sendText('[]');
      client.send(envelope(`between${round}`, orchestrator, backend));
      await client.receipt(`between${round}`);
    }
  });
});

describe('what a key may ask of a socket', () => {
  it('is limited by the second, each envelope for itself', async () => {
    const bus = await startBus({ rateLimit: 5 });
    const token = await bus.register(orchestrator);
    await bus.register(backend);
    const client = await bus.connect(orchestrator, { key: token });
    for (let i = 0; i < 20; i++) client.send(envelope(`m${i}`, orchestrator, backend));
    expect(await client.type('rejected')).toMatchObject({ message_id: 'm4', code: 'RATE_LIMITED', retryable: true });
    await client.receipt('m3');
  });
});
