import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { createAllowedCallers } from '../../src/http/allowed-callers.ts';
import { openFastLane } from '../../src/http/fast-lane.ts';
import { policy } from '../../src/http/policy.ts';
import type { AnyReceipt } from '../../src/protocol/types.gen.ts';
import { startHttp } from './start-http.ts';
import { busKey, config, openTestBus } from './test-bus.ts';

const recipient = { agent_id: 'codex://qa' };
const envelope = (message_id: string, more: object = {}) => ({
  message_id,
  sender: { agent_id: 'codex://dev' },
  recipient,
  message_type: 'status_update',
  ...more,
});

interface Sent {
  body: string;
  key?: string;
  fields?: string[];
}

function bytesOf({ body, key = busKey, fields = [] }: Sent): string {
  const head = ['Host: localhost', `x-agent-api-key: ${key}`, 'Content-Type: application/json', ...fields];
  return `POST /messages/send HTTP/1.1\r\n${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const inWorkspace = (workspaceId: string) => [`x-agent-workspace: ${workspaceId}`];

const plain = (id: string) => bytesOf({ body: JSON.stringify(envelope(id)) });

/** A connection that keeps what it was answered, whole answers only. */
async function open(port: number) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  let text = '';
  const answers: string[] = [];
  const closed = once(socket, 'close');
  let heard = () => {};
  socket.on('data', (chunk) => {
    text += chunk;
    for (;;) {
      const end = text.indexOf('\r\n\r\n') + 4;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
      if (end < 4 || text.length < end + length) return;
      answers.push(text.slice(0, end + length));
      text = text.slice(end + length);
      heard();
    }
  });
  const until = async (count: number) => {
    while (answers.length < count)
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    return answers;
  };
  return { socket, until, closed };
}

/** Sending this message goes on with `go`. */
function hold(bus: Bus, messageId: string) {
  const { messages } = bus.workspace('default');
  const send = messages.send.bind(messages);
  const [asked, ask] = signal();
  const [gate, go] = signal();
  messages.send = async (sending) => {
    if (sending.envelope.message_id === messageId) {
      ask();
      await gate;
    }
    return send(sending);
  };
  return { asked, go };
}

function signal(): [Promise<void>, () => void] {
  let give = () => {};
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return [promise, give];
}

/** A bus that knows the recipient, and how many requests Node has read. */
async function start(options: Parameters<typeof startHttp>[0] = {}) {
  const running = await startHttp(options);
  const { body } = await running.call('POST', '/agents/register', {
    body: { agent_descriptor: { agent_id: recipient.agent_id, capabilities: [] } },
  });
  let byNode = 0;
  running.app.server.on('request', () => byNode++);
  return { ...running, token: String(body.token), byNode: () => byNode };
}

const ids = /msg_[0-9A-Z]{26}|\d{4}-\d\d-\d\dT[\d:.]+Z|Date: .*|"queued":\d+/g;

describe('the fast lane', () => {
  it('is for a route that every key with the scope may use, which the bus itself looks at', () => {
    expect(policy['POST /messages/send']).toEqual({ scope: 'send', who: 'anyone' });
  });

  it('answers one plain send after the other, without Node', async () => {
    const { port, byNode, bus } = await start();
    const { socket, until } = await open(port);
    for (let count = 1; count <= 3; count++) {
      socket.write(plain(`m${count}`));
      expect((await until(count)).at(-1)).toMatch(/^HTTP\/1.1 202 Accepted\r\n/);
    }
    expect(byNode()).toBe(0);
    expect(bus.counters.accepted).toBe(3);
  });

  it.each<[string, (token: string) => Sent]>([
    ['a complete envelope', () => ({ body: JSON.stringify(envelope('m1')) })],
    ['an envelope without an id', () => ({ body: JSON.stringify({ ...envelope('m1'), message_id: undefined }) })],
    [
      'an agent that is not known',
      () => ({ body: JSON.stringify(envelope('m1', { recipient: { agent_id: 'a://b' } })) }),
    ],
    [
      'a session that is not known',
      () => ({ body: JSON.stringify(envelope('m1', { sender: { agent_id: 'a://b', session_id: 's' } })) }),
    ],
    ['an id that is taken', () => ({ body: JSON.stringify(envelope('taken')) })],
    ['an agent that speaks for another', (token) => ({ body: JSON.stringify(envelope('m1')), key: token })],
    [
      'an agent that names two senders',
      (token) => ({
        body: JSON.stringify(envelope('m1', { sender: { agent_id: recipient.agent_id } })).replace(
          '"sender":',
          '"sender":{"agent_id":"codex://dev"},"sender":',
        ),
        key: token,
      }),
    ],
    ['a wrong key', () => ({ body: JSON.stringify(envelope('m1')), key: 'wrong' })],
    ['no JSON', () => ({ body: '{' })],
    ['a forbidden key', () => ({ body: '{"__proto__":1}' })],
    ['no envelope', () => ({ body: '{"message_type":"chat"}' })],
    ['too much', () => ({ body: JSON.stringify(envelope('m1', { payload: 'x'.repeat(1_100_000) })) })],
    ['the operator in a workspace', () => ({ body: JSON.stringify(envelope('m1')), fields: inWorkspace('default') })],
    ['the operator in another one', () => ({ body: JSON.stringify(envelope('m1')), fields: inWorkspace('other') })],
    [
      'an agent in another one',
      (key) => ({
        body: JSON.stringify(envelope('m1', { sender: { agent_id: recipient.agent_id } })),
        key,
        fields: inWorkspace('other'),
      }),
    ],
    ['what is no workspace', () => ({ body: JSON.stringify(envelope('m1')), fields: inWorkspace('a|b') })],
  ])('says to %s what the ordinary route says', async (_name, sent) => {
    const { port, token, call } = await start();
    await call('POST', '/messages/send', { body: envelope('taken', { payload: 'first' }) });
    const answers: string[] = [];
    for (const fields of [[], ['x-read-by: node']]) {
      const { socket, until } = await open(port);
      const what = sent(token);
      const text = bytesOf({ ...what, fields: [...(what.fields ?? []), ...fields] });
      socket.write(text.replaceAll('"m1"', fields.length > 0 ? '"m2"' : '"m1"'));
      answers.push((await until(1)).join('').replaceAll(ids, '*').replace('"m2"', '"m1"'));
      socket.destroy();
    }
    expect(answers[0]).toBe(answers[1]);
    expect(answers[0]).toContain('HTTP/1.1 ');
  });

  it('answers a send in the workspace that it names', async () => {
    const { port, byNode, bus, token } = await start();
    await bus.workspace('other').agents.register({ agent_descriptor: { ...recipient, capabilities: [] } });
    const { socket, until } = await open(port);
    socket.write(bytesOf({ body: JSON.stringify(envelope('m1')), fields: inWorkspace('other') }));
    expect((await until(1))[0]).toMatch(/^HTTP\/1.1 202/);
    expect(byNode()).toBe(0);
    expect(bus.workspace('other').agents.get(recipient.agent_id).queued).toBe(1);
    expect(bus.workspace('default').agents.get(recipient.agent_id).queued).toBe(0);
    const body = JSON.stringify(envelope('m2', { sender: { agent_id: recipient.agent_id } }));
    socket.write(bytesOf({ body, key: token, fields: inWorkspace('other') }));
    expect((await until(2))[1]).toMatch(/^HTTP\/1.1 403.*WORKSPACE_FORBIDDEN/s);
    expect(bus.workspace('other').agents.get(recipient.agent_id).queued).toBe(1);
  });

  it('refuses what is larger than allowed', async () => {
    const { port } = await startHttp({ config: { ...config, maxPayload: 400 } });
    const { socket, until } = await open(port);
    socket.write(bytesOf({ body: JSON.stringify(envelope('m1', { payload: 'x'.repeat(400) })) }));
    expect((await until(1))[0]).toMatch(/^HTTP\/1.1 413/);
  });

  it('leaves to Node what does not come whole, and loses no byte of it', async () => {
    const { port, byNode } = await start();
    const whole = plain('m1');
    const cuts = [1, 20, whole.indexOf('\r\n\r\n') + 2, whole.indexOf('\r\n\r\n') + 4, whole.length - 1];
    for (const [index, at] of cuts.entries()) {
      const { socket, until } = await open(port);
      socket.setNoDelay(true);
      const text = plain(`cut${index}`);
      socket.write(text.slice(0, at));
      // Told apart by the server: the first part has been read when another connection was answered.
      const other = await open(port);
      other.socket.write(plain(`other${index}`));
      await other.until(1);
      socket.write(text.slice(at));
      expect((await until(1))[0]).toMatch(/^HTTP\/1.1 202/);
      socket.write(plain(`again${index}`));
      expect((await until(2))[1]).toMatch(/^HTTP\/1.1 202/);
    }
    expect(byNode()).toBe(2 * cuts.length);
  });

  it('answers in order what comes before the answer, and leaves it to Node', async () => {
    const { port, bus, byNode } = await start();
    const { asked, go } = hold(bus, 'first');
    const { socket, until } = await open(port);
    socket.write(plain('first'));
    await asked;
    socket.write(plain('second'));
    const other = await open(port);
    other.socket.write(plain('other'));
    await other.until(1);
    socket.write(plain('third'));
    go();
    const answers = await until(3);
    expect(answers.map((answer) => /"message_id":"(\w+)"/.exec(answer)?.[1])).toEqual(['first', 'second', 'third']);
    expect(byNode()).toBe(2);
  });

  it('leaves to Node who waits for a reply', async () => {
    const { port, byNode } = await start();
    const { socket, until } = await open(port);
    const routing = { delivery_mode: 'sync', timeout: '50ms' };
    socket.write(bytesOf({ body: JSON.stringify(envelope('m1', { message_type: 'task_request', routing })) }));
    expect((await until(1))[0]).toMatch(/^HTTP\/1.1 504/);
    expect(byNode()).toBe(1);
  });

  it('reads nothing into a request but what Node would', async () => {
    const { port } = await start();
    const { socket, until, closed } = await open(port);
    const text = plain('m1').replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n');
    socket.write(text);
    expect((await until(1))[0]).toMatch(/^HTTP\/1.1 400/);
    await closed;
  });

  it('is closed where requests are logged', async () => {
    const { port, byNode } = await start({ logger: pino({ level: 'debug' }, { write: () => undefined }) });
    const { socket, until } = await open(port);
    socket.write(plain('m1'));
    expect((await until(1))[0]).toMatch(/^HTTP\/1.1 202/);
    expect(byNode()).toBe(1);
  });

  it('has the faults logged that it answers', async () => {
    const lines: string[] = [];
    const { port, bus, byNode } = await start({
      logger: pino({ level: 'info' }, { write: (line) => lines.push(line) }),
    });
    bus.workspace('default').messages.send = () => Promise.reject(new Error('a fault'));
    const { socket, until } = await open(port);
    socket.write(plain('m1'));
    expect((await until(1))[0]).toMatch(/^HTTP\/1.1 500.*"code":"INTERNAL"/s);
    expect(byNode()).toBe(0);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ method: 'POST', path: '/messages/send', code: 'INTERNAL', msg: 'request failed' }),
    ]);
  });

  it('answers who says no more, and closes', async () => {
    const { port } = await start();
    const { socket, until, closed } = await open(port);
    socket.end(plain('m1'));
    expect((await until(1))[0]).toContain('HTTP/1.1 202');
    await closed;
  });

  it('closes with the server: idle connections at once, busy ones with their answer', async () => {
    const { port, app, bus } = await start();
    const idle = await open(port);
    idle.socket.write(plain('m1'));
    await idle.until(1);
    const { asked, go } = hold(bus, 'm2');
    const busy = await open(port);
    busy.socket.write(plain('m2'));
    await asked;
    const closing = app.close();
    await idle.closed;
    go();
    expect((await busy.until(1))[0]).toMatch(/^HTTP\/1.1 202.*Connection: close\r\n/s);
    await Promise.all([busy.closed, closing]);
  });

  it('answers as UTF-8 what is not ASCII', async () => {
    const { port, bus, byNode } = await start();
    const task = { task_id: 'task_1', session_id: 'sess_1', step: 'prüfen' };
    const told = { agent_id: recipient.agent_id, online: false, queued: 1, last_seen_at: null };
    const receipt: AnyReceipt = { success: true, message_id: 'm1', status: 'queued', recipient: told, task };
    bus.workspace('default').messages.send = async () => receipt;
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(plain('m1'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
    expect(JSON.parse(body.toString()).task).toEqual(task);
    expect(answer.toString()).toContain(`content-length: ${body.length}\r\n`);
    expect(byNode()).toBe(0);
  });

  describe('in time', () => {
    async function startLane() {
      const bus = await openTestBus();
      const server = createServer();
      const lane = openFastLane(server, {
        bus,
        callers: createAllowedCallers(config),
        maxPayload: 1_000,
        headersTimeout: 50,
        keepAliveTimeout: 100,
        onFault: () => undefined,
        onRefusal: () => undefined,
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(async () => {
        lane.close();
        server.close();
        await bus.close();
      });
      return (server.address() as AddressInfo).port;
    }
    const read = async (socket: Socket) => Buffer.concat(await socket.toArray()).toString();

    it('ends a connection that says nothing', async () => {
      const socket = connect(await startLane(), '127.0.0.1');
      expect(await read(socket)).toMatch(/^HTTP\/1.1 408.*REQUEST_TIMEOUT/s);
    });

    it('ends none that is asked again and again, however long it lasts', async () => {
      const socket = connect(await startLane(), '127.0.0.1');
      let answers = 0;
      socket.on('data', () => answers++);
      for (let asked = 0; asked < 12; asked++) {
        socket.write(plain(`m${asked}`));
        await expect.poll(() => answers, { interval: 1 }).toBe(asked + 1);
        await pause(20);
      }
      socket.destroy();
    });

    it('ends a connection that was idle for long', async () => {
      const socket = connect(await startLane(), '127.0.0.1');
      socket.write(plain('m1'));
      expect(await read(socket)).toMatch(/^HTTP\/1.1 404/);
    });
  });
});
