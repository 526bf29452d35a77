import net from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { operator } from '../../src/bus/identity.ts';
import { BusError, errorTable } from '../../src/protocol/errors.ts';
import { type Call, expectProblem, register, shareHttp } from './start-http.ts';

const agent = 'opencode://backend';
const envelope = {
  message_id: 'm1',
  sender: { agent_id: 'claude-code://orchestrator' },
  recipient: { agent_id: agent },
  message_type: 'status_update',
};

let sent = 0;
/** One that was not sent before. */
const another = () => ({ ...envelope, message_id: `another_${++sent}` });

const shared = shareHttp();
beforeAll(async () => {
  await register(shared(), agent);
  await shared().call('POST', '/sessions', { body: { session_id: 's1' } });
});
const send = (body: unknown, more: Call = {}) => shared().call('POST', '/messages/send', { body, ...more });

describe('a body', () => {
  it.each([
    ['that is cut off', '{"sender":'],
    ['that is no JSON', 'hello'],
    ['with a trailing comma', '{"a":1,}'],
    ['that is empty', ''],
    ['of spaces', '  '],
    ['with a byte order mark', Buffer.from('\ufeff{}')],
    ['that is not valid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['with __proto__', '{"__proto__":{"admin":true}}'],
    ['with an escaped __proto__ deep inside', '{"payload":[{"\\u005f_proto__":{}}]}'],
    ['with constructor.prototype', '{"payload":{"constructor":{"prototype":{}}}}'],
    ['nested 100,000 deep', `{"payload":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('%s is MALFORMED_JSON', async (_what, body) => {
    expectProblem(await send(body), 400, 'MALFORMED_JSON');
  });

  it.each(['null', '[]', '3', '"text"', 'true'])('that is %s is VALIDATION_FAILED', async (body) => {
    expectProblem(await send(body), 400, 'VALIDATION_FAILED');
  });

  it.each([
    ['brackets in a text', { text: '[{'.repeat(5000) }],
    ['a quote and brackets in a text', { text: `\\"${'['.repeat(5000)}` }],
    ['many lists beside each other', Array(5000).fill([])],
    ['the word constructor as a key', { constructor: 'x', prototype: 1 }],
  ])('with %s is taken', async (_what, payload) => {
    expect((await send({ ...another(), payload })).status).toBe(202);
  });

  it('with a prototype key is told which key to rename', async () => {
    expect((await send('{"__proto__":{}}')).body.error).toContain('__proto__');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'application/json; charset=latin1',
    'multipart/form-data; boundary=x',
    'json',
    '',
  ])('of content type %j is UNSUPPORTED_MEDIA_TYPE', async (type) => {
    expectProblem(await send(envelope, { headers: { 'content-type': type } }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  it.each(['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'])(
    'of content type %s is taken',
    async (type) => {
      expect((await send(another(), { headers: { 'content-type': type } })).status).toBe(202);
    },
  );

  it('of 2 MB is PAYLOAD_TOO_LARGE, and the client gets to read that', async () => {
    const body = { ...envelope, payload: 'x'.repeat(2_000_000) };
    expectProblem(await send(body), 413, 'PAYLOAD_TOO_LARGE');
    const { url } = shared();
    const reply = await fetch(`${url}/messages/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-agent-api-key': 'test-key' },
      body: JSON.stringify(body),
    });
    expect(reply.status).toBe(413);
    // A connection that is cut under an upload may take the answer with it.
    expect(reply.headers.get('connection')).not.toBe('close');
  });

  it('of 2 MB without a content-length is PAYLOAD_TOO_LARGE', async () => {
    const { url } = shared();
    const chunk = new TextEncoder().encode('x'.repeat(500_000));
    let sent = 0;
    const reply = await fetch(`${url}/messages/send`, {
      method: 'POST',
      duplex: 'half',
      headers: { 'content-type': 'application/json', 'x-agent-api-key': 'test-key' },
      body: new ReadableStream({
        pull(controller) {
          if (sent++ < 4) controller.enqueue(chunk);
          else controller.close();
        },
      }),
    });
    expect(reply.status).toBe(413);
  });

  it('that is missing where one is needed is VALIDATION_FAILED', async () => {
    const { call } = shared();
    expectProblem(await call('POST', '/messages/send'), 400, 'VALIDATION_FAILED');
  });
});

describe('an envelope', () => {
  const wrong: [where: string, envelope: object][] = [
    ['/message_id', { ...envelope, message_id: 3 }],
    ['/message_id', { ...envelope, message_id: 'has space' }],
    ['/message_id', { ...envelope, message_id: '' }],
    ['/message_id', { ...envelope, message_id: 'x'.repeat(300) }],
    ['/timestamp', { ...envelope, timestamp: 1738494000 }],
    ['/timestamp', { ...envelope, timestamp: 'yesterday' }],
    ['/sender', { ...envelope, sender: 'claude-code://orchestrator' }],
    ['/sender', { ...envelope, sender: {} }],
    ['/sender/agent_id', { ...envelope, sender: { agent_id: 'orchestrator' } }],
    ['/sender/agent_id', { ...envelope, sender: { agent_id: `a://${'x'.repeat(300)}` } }],
    ['/sender/agent_id', { ...envelope, sender: { agent_id: 'a://\u0000' } }],
    ['/sender/framework', { ...envelope, sender: { agent_id: 'a://b', framework: 1 } }],
    ['/sender/session_id', { ...envelope, sender: { agent_id: 'a://b', session_id: '../x' } }],
    ['/sender/role', { ...envelope, sender: { agent_id: 'a://b', role: 'x' } }],
    ['/recipient', { ...envelope, recipient: {} }],
    ['/recipient/agent_id', { ...envelope, recipient: { agent_id: null } }],
    ['/message_type', { ...envelope, message_type: 'request' }],
    ['/priority', { ...envelope, priority: 'urgent' }],
    ['/priority', { ...envelope, priority: 1 }],
    ['/routing', { ...envelope, routing: null }],
    ['/routing/timeout', { ...envelope, routing: { timeout: 300 } }],
    ['/routing/timeout', { ...envelope, routing: { timeout: '300' } }],
    ['/routing/timeout', { ...envelope, routing: { timeout: '0s' } }],
    ['/routing/retry_policy/max_retries', { ...envelope, routing: { retry_policy: { max_retries: '1' } } }],
    ['/routing/retry_policy/max_retries', { ...envelope, routing: { retry_policy: { max_retries: -1 } } }],
    ['/routing/retry_policy/backoff', { ...envelope, routing: { retry_policy: { backoff: 'none' } } }],
    ['/routing/fallback_agents', { ...envelope, routing: { fallback_agents: 'a://b' } }],
    ['/routing/fallback_agents', { ...envelope, routing: { fallback_agents: Array(9).fill('a://b') } }],
    ['/routing/delivery_mode', { ...envelope, routing: { delivery_mode: 'later' } }],
    ['/metadata', { ...envelope, metadata: 'x' }],
    ['/metadata/task_id', { ...envelope, metadata: { task_id: {} } }],
    ['/metadata/in_reply_to', { ...envelope, metadata: { in_reply_to: '' } }],
    ['/colour', { ...envelope, colour: 'red' }],
  ];

  it.each(wrong)('with a wrong %s is VALIDATION_FAILED and says where', async (where, body) => {
    const reply = await send(body);
    expectProblem(reply, 400, 'VALIDATION_FAILED');
    expect(reply.body.errors[0].path).toBe(where);
    expect(reply.body.error).toContain(where);
  });

  it('with an unknown field is refused by the name of the field', async () => {
    const { body } = await send({ ...envelope, colour: 'red' });
    expect(body.errors).toEqual([{ path: '/colour', message: 'unknown field "colour"' }]);
  });

  it.each([[[]], ['codex://frontend'], [{ agent_id: agent, capability: 'work' }]])(
    'to %j is VALIDATION_FAILED',
    async (recipient) => {
      expectProblem(await send({ ...envelope, recipient }), 400, 'VALIDATION_FAILED');
    },
  );

  it('to an unknown agent is AGENT_NOT_FOUND', async () => {
    expectProblem(await send({ ...envelope, recipient: { agent_id: 'codex://nobody' } }), 404, 'AGENT_NOT_FOUND');
  });

  it('of an unknown session is SESSION_NOT_FOUND', async () => {
    const sender = { ...envelope.sender, session_id: 'sess_none' };
    expectProblem(await send({ ...envelope, sender }), 404, 'SESSION_NOT_FOUND');
  });

  it('of an ended session is SESSION_ENDED', async () => {
    const http = shared();
    const session = { session_id: 'sess_over', orchestrator: envelope.sender.agent_id };
    await http.call('POST', '/sessions', { body: session });
    await http.call('POST', '/sessions/sess_over/complete');
    const sender = { ...envelope.sender, session_id: 'sess_over' };
    expectProblem(await http.call('POST', '/messages/send', { body: { ...envelope, sender } }), 409, 'SESSION_ENDED');
  });
});

describe('a path', () => {
  const long = 'x'.repeat(300);
  it.each([
    ['GET', '/agents/opencode%3A%2F%2Fnobody', 404, 'AGENT_NOT_FOUND'],
    ['GET', '/agents/opencode://nobody', 404, 'AGENT_NOT_FOUND'],
    ['DELETE', '/agents/opencode://nobody', 404, 'AGENT_NOT_FOUND'],
    ['GET', '/agents/opencode://nobody/messages', 404, 'AGENT_NOT_FOUND'],
    ['GET', '/messages/nothing', 404, 'MESSAGE_NOT_FOUND'],
    ['POST', '/dead-letters/nothing/redrive', 404, 'MESSAGE_NOT_FOUND'],
    ['DELETE', '/dead-letters/nothing', 404, 'MESSAGE_NOT_FOUND'],
    ...['', '/tasks', '/messages', '/events', '/summary'].map((rest) => [
      'GET',
      `/sessions/nothing${rest}`,
      404,
      'SESSION_NOT_FOUND',
    ]),
    ['POST', '/sessions/nothing/complete', 404, 'SESSION_NOT_FOUND'],
    ['POST', '/sessions/nothing/workflow/advance', 404, 'SESSION_NOT_FOUND'],
    ['DELETE', '/sessions/nothing/participants/a://b', 404, 'SESSION_NOT_FOUND'],
    ['GET', '/agents/plainname', 400, 'VALIDATION_FAILED'],
    ['GET', '/agents/%00', 400, 'VALIDATION_FAILED'],
    ['GET', '/agents/a%3A%2F%2F%00', 400, 'VALIDATION_FAILED'],
    ['GET', '/agents/a%3A%2F%2F..%2F..%2Fetc', 400, 'VALIDATION_FAILED'],
    ['GET', '/agents/a%3A%2F%2F%F0%9F%98%80', 400, 'VALIDATION_FAILED'],
    ['GET', `/agents/a%3A%2F%2F${long}`, 400, 'VALIDATION_FAILED'],
    ['GET', `/agents/${'x'.repeat(600)}`, 414, 'URI_TOO_LONG'],
    ['GET', '/sessions/%2Fetc%2Fpasswd', 400, 'VALIDATION_FAILED'],
    ['GET', '/sessions/sess%20one', 400, 'VALIDATION_FAILED'],
    ['GET', `/sessions/${long}`, 400, 'VALIDATION_FAILED'],
    ['GET', '/sessions/..', 404, 'SESSION_NOT_FOUND'],
    ['GET', '/sessions/__proto__', 404, 'SESSION_NOT_FOUND'],
    ['GET', '/sessions/constructor/events', 404, 'SESSION_NOT_FOUND'],
    ['GET', '/messages/toString', 404, 'MESSAGE_NOT_FOUND'],
    ['GET', '/messages/%E0%A4%A', 400, 'BAD_REQUEST'],
    ['GET', '/sessions/%', 400, 'BAD_REQUEST'],
    ['GET', '/sessions/%zz', 400, 'BAD_REQUEST'],
    ['GET', '/docs/static/..%2f..%2fpackage.json', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/docs/static/none.js', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/nothing', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/sessions/', 400, 'VALIDATION_FAILED'],
    ['GET', '//', 404, 'ROUTE_NOT_FOUND'],
    ['GET', '/Agents', 404, 'ROUTE_NOT_FOUND'],
  ] as [string, string, number, string][])('%s %s is answered with %i %s', async (method, path, status, code) => {
    const { call } = shared();
    expectProblem(await call(method, path), status, code);
  });

  it.each([
    ['PUT', '/messages/send', 'POST'],
    ['DELETE', '/messages/send', 'POST'],
    ['DELETE', '/messages/m1', 'GET, HEAD'],
    ['GET', '/messages/batch/', undefined],
    ['DELETE', '/sessions', 'GET, HEAD, POST'],
    ['OPTIONS', '/sessions/x/context', 'PATCH, PUT'],
    ['PUT', '/agents/a://b/messages', 'GET'],
    ['POST', '/health', 'GET, HEAD'],
    ['TRACE', '/ready', 'GET, HEAD'],
  ])('%s %s is answered with the methods it takes', async (method, path, allow) => {
    const { call } = shared();
    const reply = await call(method, path);
    if (allow === undefined) return expectProblem(reply, 404, 'ROUTE_NOT_FOUND');
    expectProblem(reply, 405, 'METHOD_NOT_ALLOWED');
    expect(reply.headers.allow).toBe(allow);
  });
});

describe('a mailbox', () => {
  it.each(['/agents/a://b/messages', '/sessions/s1/events'])(
    'has no HEAD of %s: that would take or stream',
    async (path) => {
      const { call } = shared();
      expect((await call('HEAD', path)).status).toBe(405);
    },
  );
});

describe('a query string', () => {
  it.each([
    '/agents/opencode://backend/messages?max=ten',
    '/agents/opencode://backend/messages?max=0',
    '/agents/opencode://backend/messages?max=1.5',
    '/agents/opencode://backend/messages?max=',
    '/agents/opencode://backend/messages?max=1&max=2',
    '/agents/opencode://backend/messages?wait=20',
    '/agents/opencode://backend/messages?wait=61s',
    '/agents/opencode://backend/messages?lease=13h',
    '/agents/opencode://backend/messages?lease=forever',
    '/agents?online=maybe',
    '/agents?limit=5000',
    '/agents?colour=red',
    '/sessions?state=over',
    '/sessions?participant=nobody',
    '/sessions?limit=-1',
    '/dead-letters?limit=x',
    '/sessions/s1/events?after=x',
    '/sessions/s1/events?after=-1',
    '/sessions/s1/tasks?status=done',
    '/sessions?__proto__=1',
  ])('%s is VALIDATION_FAILED', async (path) => {
    expectProblem(await shared().call('GET', path), 400, 'VALIDATION_FAILED');
  });
});

describe('a fault inside', () => {
  let fault: unknown;
  const failing = {
    authenticate: () => operator,
    rateLimit: { take: () => undefined },
    counters: {},
    sessionsFor: () => ({
      listSessions: () => {
        throw fault;
      },
    }),
  };
  const lines: { level: string; object: Record<string, unknown> }[] = [];
  const logger = Object.fromEntries(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((level) => [
      level,
      (object: Record<string, unknown>) => lines.push({ level, object }),
    ]),
  );
  const faulty = shareHttp({ bus: failing, logger } as never);
  const askFor = (error: unknown, path = '/sessions') => {
    fault = error;
    lines.length = 0;
    return faulty().call('GET', path);
  };

  it('is INTERNAL, tells the client nothing of it, and is logged with its stack', async () => {
    const cause = new TypeError('the secret is 42');
    const reply = await askFor(cause, '/sessions?limit=3');
    expectProblem(reply, 500, 'INTERNAL');
    expect(reply.text).not.toContain('42');
    const object = { reqId: 'req_1', method: 'GET', path: '/sessions', code: 'INTERNAL', err: cause };
    expect(lines).toEqual([{ level: 'error', object }]);
  });

  it.each([undefined, null, 'text', { statusCode: 200 }, { code: 7 }])('is INTERNAL also as %j', async (thrown) => {
    expectProblem(await askFor(thrown), 500, 'INTERNAL');
  });

  it.each(Object.entries(errorTable))('of the code %s has the status of the table', async (code, { status, title }) => {
    const reply = await askFor(new BusError(code as keyof typeof errorTable, 'Do this.'));
    expectProblem(reply, status, code);
    expect(reply.body).toMatchObject({ title, error: 'Do this.', type: 'about:blank', success: false });
    expect(reply.headers['retry-after']).toBe(status === 429 || status === 503 ? '1' : undefined);
    expect(lines.length).toBe(status >= 500 ? 1 : 0);
  });
});

describe('what is not HTTP', () => {
  const talk = async (text: string): Promise<string> => {
    const { port } = shared();
    const socket = net.connect(port, '127.0.0.1');
    socket.write(text);
    return Buffer.concat(await socket.toArray()).toString();
  };

  it.each([
    ['a bad request line', 'HELLO\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a space in the path', 'GET /agents/a b HTTP/1.1\r\nhost: localhost\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'headers of 20 KB',
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
  ])('is answered with a problem: %s', async (_what, text, status, code) => {
    const reply = await talk(text);
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(reply).toContain('application/problem+json');
    expect(JSON.parse(reply.slice(reply.indexOf('\r\n\r\n')))).toMatchObject({ status, code, success: false });
  });

  it('is answered with REQUEST_TIMEOUT where the request does not arrive in time', async () => {
    const { app, port } = shared();
    const client = net.connect(port, '127.0.0.1');
    const server = await new Promise<net.Socket>((resolve) => app.server.once('connection', resolve));
    app.server.emit('clientError', Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), server);
    expect(Buffer.concat(await client.toArray()).toString()).toMatch(/^HTTP\/1.1 408 .*"REQUEST_TIMEOUT"/s);
  });
});
