import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backend, frontend, orchestrator, startBus } from '../support/running-bus.ts';

const plain = JSON.stringify({
  message_id: 'm1',
  sender: { agent_id: backend },
  recipient: { agent_id: frontend },
  message_type: 'status_update',
  payload: { text: 'a ":" {"b":1}\\', list: [{ a: { b: 1 } }], deep: { a: { b: 1 } } },
  routing: { retry_policy: { max_retries: 1 } },
  metadata: { step: 'a' },
});
const repeated = [
  ['the sender', plain.replace('{"message_id"', `{"sender":{"agent_id":"${orchestrator}"},"message_id"`)],
  [
    'the sender in escapes',
    plain.replace('{"message_id"', `{"s\\u0065nder":{"agent_id":"${orchestrator}"},"message_id"`),
  ],
  [
    'the agent id in the sender',
    plain.replace(`{"agent_id":"${backend}"`, `{"agent_id":"${orchestrator}","agent_id":"${backend}"`),
  ],
  ['a key of the metadata', plain.replace('{"step"', '{"step":"b","step"')],
] as const;

describe("an agent's envelope with a key twice", () => {
  it.each(repeated)('is refused as a body and as a frame: %s', async (_what, text) => {
    const bus = await startBus();
    const token = await bus.register(backend);
    await bus.register(frontend);
    const { status, body } = await bus.call('POST', '/messages/send', text, token);
    expect([status, body.code]).toEqual([400, 'MALFORMED_JSON']);
    const client = await bus.connect(backend, { key: token });
    client.sendText(text);
    expect(await client.next()).toMatchObject({ type: 'rejected', code: 'MALFORMED_JSON', message_id: 'm1' });
    expect(await bus.ledger('m1')).toBeUndefined();
  });

  it.each(repeated)('is refused in a batch, where the others are taken: %s', async (_what, text) => {
    const bus = await startBus();
    const token = await bus.register(backend);
    await bus.register(frontend);
    const batch = `{"messages":[${text},${plain.replace('"m1"', '"m2"')}]}`;
    const { body } = await bus.call('POST', '/messages/batch', batch, token);
    expect(body.items).toMatchObject([{ success: false, code: 'MALFORMED_JSON' }, { success: true }]);
    expect(await bus.ledger('m1')).toBeUndefined();
  });

  it.each(repeated)('is refused when it comes in one packet with its head: %s', async (_what, text) => {
    const bus = await startBus();
    const token = await bus.register(backend);
    await bus.register(frontend);
    const socket = connect(bus.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(
      `POST /messages/send HTTP/1.1\r\nHost: localhost\r\nx-agent-api-key: ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await bus.ledger('m1')).toBeUndefined();
  });

  it('is taken where the key stands twice only deep inside, or only looks so', async () => {
    const bus = await startBus();
    const token = await bus.register(backend);
    await bus.register(frontend);
    expect((await bus.call('POST', '/messages/send', plain, token)).status).toBe(202);
    const deep = plain.replace('{"b":1}}]', '{"b":1,"b":2}}]').replace('"m1"', '"m2"');
    expect((await bus.call('POST', '/messages/send', deep, token)).status).toBe(202);
  });
});
