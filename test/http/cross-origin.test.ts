import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { backend, envelope, key, startBus } from '../support/running-bus.ts';
import { expectProblem, shareHttp, startHttp } from './start-http.ts';
import { config } from './test-bus.ts';

const refused = (status: number, code: string) =>
  expect.objectContaining({ status, body: expect.objectContaining({ code, status }) });

const evil = 'http://evil.example';

/** Everything that lies behind different scopes, hooks or none. */
const doors: [string, string, string | null][] = [
  ['GET', '/health', null],
  ['GET', '/ready', null],
  ['GET', '/agents', key],
  ['GET', '/agents/codex://qa/messages', key],
  ['DELETE', '/agents/codex://qa', key],
  ['POST', '/messages/send', key],
  ['OPTIONS', '/agents', null],
  ['GET', '/metrics', key],
  ['GET', '/docs', key],
  ['GET', '/docs/static/swagger-ui.css', key],
  ['GET', '/openapi.json', key],
  ['GET', '/nothing', key],
  ['GET', '/', key],
];

const forwarded = {
  'x-forwarded-host': 'localhost',
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-server': 'localhost',
  'x-original-host': 'localhost',
  'x-host': 'localhost',
  'x-real-ip': '127.0.0.1',
  forwarded: 'for=127.0.0.1;host=localhost;proto=https',
};

const shared = shareHttp();

describe('a request', () => {
  it.each(doors)('%s %s is refused under a name that is not the bus', async (method, path, as) => {
    const { call } = shared();
    expectProblem(await call(method, path, { key: as, headers: { host: 'evil.example' } }), 421, 'HOST_NOT_ALLOWED');
  });

  it.each(doors)('%s %s is refused from a foreign page', async (method, path, as) => {
    const { call } = shared();
    for (const origin of [evil, 'null']) {
      const reply = await call(method, path, { key: as, headers: { origin } });
      expectProblem(reply, 403, 'ORIGIN_NOT_ALLOWED');
      expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it.each(Object.entries(forwarded))('is not saved by %s: %s', async (name, value) => {
    const { call } = shared();
    const as = (headers: object) => call('GET', '/agents', { headers: { ...headers, [name]: value } });
    expectProblem(await as({ host: 'evil.example' }), 421, 'HOST_NOT_ALLOWED');
    expectProblem(await as({ origin: evil }), 403, 'ORIGIN_NOT_ALLOWED');
    // Nor harmed: proxies write them.
    expect((await as({ host: 'localhost' })).status).toBe(200);
    expect((await call('GET', '/agents', { headers: { [name]: 'evil.example' } })).status).toBe(200);
  });

  it('is served under a name that is configured, and to a page that is', async () => {
    const { call } = await startHttp({
      config: { ...config, allowedHosts: ['agent-bus'], allowedOrigins: ['https://app.example.com'] },
    });
    const reply = await call('GET', '/agents', {
      headers: { host: 'agent-bus:80', origin: 'https://app.example.com' },
    });
    expect(reply.status).toBe(200);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });

  const body = JSON.stringify(envelope('m1', backend, backend));
  const send = (host: string, more = '') =>
    `POST /messages/send HTTP/1.1\r\n${host}x-agent-api-key: ${key}\r\ncontent-type: application/json\r\n${more}` +
    `content-length: ${body.length}\r\n\r\n${body}`;
  it.each([
    ['another host', send('Host: evil.example\r\n'), '421'],
    ['a foreign page', send('Host: localhost\r\n', `Origin: ${evil}\r\n`), '403'],
    ['two hosts', send('Host: localhost\r\nhost: evil.example\r\n'), '400'],
    ['two hosts, ours last', send('Host: evil.example\r\nHOST: localhost\r\n'), '400'],
    ['the whole URL for a path', send('Host: localhost\r\n').replace(' /', ` ${evil}/`), '400'],
    ['the whole URL of the bus for a path', send('Host: localhost\r\n').replace(' /', ' http://localhost/'), '400'],
  ])('in the fast lane, too, is refused with %s', async (_what, bytes, status) => {
    const { port, send: sendAsUsual, register } = await startBus();
    await register(backend);
    const socket = connect(port, '127.0.0.1');
    // The lane is at work, and has admitted a host.
    socket.write(send('Host: localhost\r\n').replaceAll('m1', 'm0'));
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 202 /);
    socket.write(bytes);
    expect(String((await once(socket, 'data'))[0])).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    socket.destroy();
    // It was not taken.
    expect((await sendAsUsual(envelope('m1', backend, backend))).body.duplicate).toBeUndefined();
  });
});

describe('a spoof', () => {
  const names = [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost.',
    '2130706433',
    '192.0.2.7',
  ];
  const pages = [
    evil,
    'null',
    'http://localhost.evil.example',
    'http://localhost@evil.example',
    'file://',
    'http://192.0.2.7',
  ];
  const spoofs = [...names.map((host) => ({ host })), ...pages.map((origin) => ({ origin }))];

  it('is accepted at no door', async () => {
    const bus = await startBus();
    await bus.register(backend);
    const { port } = bus;
    const accepted: unknown[] = [];
    for (const spoof of spoofs.flatMap((one) => [one, { ...one, ...forwarded }])) {
      const headers = { 'x-agent-api-key': key, 'content-type': 'application/json', ...spoof } as Record<
        string,
        string
      >;
      const text = JSON.stringify(envelope('m1', backend, backend));
      for (const [method, path, body] of [
        ['GET', '/agents'],
        ['GET', '/health'],
        ['POST', '/messages/send', text],
      ] as const) {
        const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent: false });
        request.end(body);
        const [response] = (await once(request, 'response')) as [http.IncomingMessage];
        response.resume();
        if (![421, 403].includes(response.statusCode ?? 0)) accepted.push([path, spoof]);
      }
      await bus.connect(backend, { headers }).then(
        () => accepted.push(['socket', spoof]),
        () => undefined,
      );
    }
    expect(accepted).toEqual([]);
    expect((await bus.agent(backend)).queued).toBe(0);
  });
});

describe('a socket', () => {
  it.each(['/', '/ws'])('at %s is not opened under another name or for a foreign page', async (path) => {
    const bus = await startBus();
    const open = (headers: Record<string, string>) =>
      bus.connect(backend, { path, headers: { 'x-agent-api-key': key, ...headers } });
    await expect(open({ host: 'evil.example' })).rejects.toEqual(refused(421, 'HOST_NOT_ALLOWED'));
    await expect(open({ origin: evil })).rejects.toEqual(refused(403, 'ORIGIN_NOT_ALLOWED'));
    await expect(open({ origin: 'null' })).rejects.toEqual(refused(403, 'ORIGIN_NOT_ALLOWED'));
    await open({ origin: `http://localhost:${bus.port}` });
    await open({ host: 'localhost:1', origin: 'http://127.0.0.1:5173' });
    expect((await bus.call('GET', '/agents')).body.items).toHaveLength(1);
  });
});

describe('CORS', () => {
  const page = 'https://ide.example.com';
  const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-agent-api-key' };
  const start = () => startHttp({ config: { ...config, corsOrigins: [page] } });

  it('is off without corsOrigins, for pages of this machine as well', async () => {
    const { call } = shared();
    const headers = { origin: 'http://localhost:5173' };
    const asked = await call('OPTIONS', '/agents', { key: null, headers: { ...headers, ...preflight } });
    expectProblem(asked, 401, 'UNAUTHORIZED');
    const reply = await call('GET', '/agents', { headers });
    for (const one of [asked, reply]) expect(JSON.stringify(one.headers)).not.toContain('access-control');
  });

  it('answers the preflight of a configured origin without a key', async () => {
    const { call } = await start();
    const { status, headers } = await call('OPTIONS', '/messages/send', {
      key: null,
      headers: { origin: page, ...preflight },
    });
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': expect.stringContaining('x-agent-api-key, x-agent-workspace'),
      vary: 'origin',
    });
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  });

  it('lets it read answers, refusals and event streams', async () => {
    const { call, url } = await start();
    const headers = { origin: page };
    const replies = [
      await call('GET', '/agents', { headers }),
      await call('GET', '/agents', { headers, key: null }),
      await call('POST', '/messages/send', { headers, body: {} }),
      await call('POST', '/sessions', { headers, body: { session_id: 's1', orchestrator: 'a://b' } }),
    ];
    expect(replies.map(({ status }) => status)).toEqual([200, 401, 400, 201]);
    for (const reply of replies) expect(reply.headers['access-control-allow-origin']).toBe(page);
    const stream = await fetch(`${url}/sessions/s1/events`, {
      headers: { origin: page, accept: 'text/event-stream', 'x-agent-api-key': String(config.apiKey) },
    });
    expect(stream.headers.get('access-control-allow-origin')).toBe(page);
    expect(stream.headers.get('vary')).toBe('origin, accept');
    await stream.body?.cancel();
    const events = await call('GET', '/sessions/s1/events', { headers });
    const summary = await call('GET', '/sessions/s1/summary', { headers });
    for (const reply of [events, summary]) expect(reply.headers.vary).toBe('origin, accept');
  });

  it.each([evil, 'https://ide.example.com.evil.example', 'http://ide.example.com', 'null'])(
    'refuses %s',
    async (origin) => {
      const { call } = await start();
      const reply = await call('OPTIONS', '/agents', { key: null, headers: { origin, ...preflight } });
      expectProblem(reply, 403, 'ORIGIN_NOT_ALLOWED');
      expect(JSON.stringify(reply.headers)).not.toContain('access-control');
    },
  );
});
