import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { credentialOf } from '../../src/http/auth.ts';
import { expectProblem, register, shareHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

const keyed = [
  '/agents',
  '/sessions',
  '/messages/m1',
  '/dead-letters',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/docs/json',
];

const shared = shareHttp();

describe('a key', () => {
  it.each([...keyed, '/docs/static/swagger-ui.css', '/no/such/route'])('is needed for %s', async (path) => {
    const { call } = shared();
    expectProblem(await call('GET', path, { key: null }), 401, 'UNAUTHORIZED');
    const wrong = await call('GET', path, { key: 'wrong' });
    expectProblem(wrong, 401, 'UNAUTHORIZED');
    expect(wrong.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it.each(['/health', '/ready'])('is not needed for %s', async (path) => {
    const { call } = shared();
    expect((await call('GET', path, { key: null })).status).toBe(200);
  });

  it('is taken as x-agent-api-key or as a bearer token', async () => {
    const { call } = shared();
    expect((await call('GET', '/agents', { key: busKey })).status).toBe(200);
    for (const authorization of [`Bearer ${busKey}`, `bearer ${busKey}`]) {
      expect((await call('GET', '/agents', { key: null, headers: { authorization } })).status).toBe(200);
    }
  });

  it('is refused in the body of nothing: a POST without it is not even read', async () => {
    const { call } = shared();
    expectProblem(await call('POST', '/messages/send', { key: null, body: '{not json' }), 401, 'UNAUTHORIZED');
  });

  it.each(['api_key', 'apikey', 'key', 'token', 'access_token', 'x-agent-api-key', 'API_KEY'])(
    'is refused in the query string as %s, also where the header is right',
    async (name) => {
      const { call } = shared();
      const reply = await call('GET', `/agents?${name}=${busKey}`);
      expectProblem(reply, 400, 'KEY_IN_QUERY');
      expect(reply.text).not.toContain(busKey);
    },
  );

  it('that is missing from an upgrade ends the connection with 401', async () => {
    const { port } = shared();
    const socket = net.connect(port, '127.0.0.1');
    socket.write(
      'GET /?agent_id=a://b HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1.1 401 .*"UNAUTHORIZED"/s);
  });

  it("may be an agent's own token", async () => {
    const http = shared();
    const [token] = await register(http, 'codex://frontend');
    expect((await http.call('GET', '/agents/codex%3A%2F%2Ffrontend', { key: token ?? '' })).status).toBe(200);
  });

  it('is taken as the password of HTTP Basic by the viewer and its document, and nowhere else', async () => {
    const { call } = shared();
    const headers = { authorization: `Basic ${Buffer.from(`me:${busKey}`).toString('base64')}` };
    for (const path of ['/docs', '/docs/', '/docs/json', '/docs/static/swagger-ui.css', '/openapi.json']) {
      expect((await call('GET', path, { key: null, headers })).status, path).toBe(200);
    }
    expectProblem(await call('GET', '/agents', { key: null, headers }), 401, 'UNAUTHORIZED');
    const asked = await call('GET', '/docs', { key: null });
    expect(asked.headers['www-authenticate']).toContain('Basic realm="agent-bus"');
    const other = await call('GET', '/agents', { key: null });
    expect(other.headers['www-authenticate']).not.toContain('Basic');
  });

  it.each(['Basic', 'Basic %%%', `Basic ${Buffer.from('nocolon').toString('base64')}`, 'Digest x'])(
    'as %s is a 401 of the viewer',
    async (authorization) => {
      const { call } = shared();
      expectProblem(await call('GET', '/docs', { key: null, headers: { authorization } }), 401, 'UNAUTHORIZED');
    },
  );
});

describe('the credential of a request', () => {
  it('is found in the subprotocols of a socket, for browsers', () => {
    expect(credentialOf({ 'sec-websocket-protocol': 'agent-bus.v1, agent-bus.key.s3cret' })).toBe('s3cret');
  });

  it('is the header where there are both', () => {
    expect(credentialOf({ 'x-agent-api-key': 'a', 'sec-websocket-protocol': 'agent-bus.key.b' })).toBe('a');
    expect(credentialOf({ 'x-agent-api-key': 'a', authorization: 'Bearer b' })).toBe('a');
  });

  it('is nothing where none of the places holds one', () => {
    expect(credentialOf({ authorization: 'Bearer', 'sec-websocket-protocol': 'agent-bus.v1' })).toBeUndefined();
  });
});
