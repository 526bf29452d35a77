import { describe, expect, it } from 'vitest';
import { expectProblem, register, startHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

describe('the system routes', () => {
  it('say that the process is alive, since when, and which version it is', async () => {
    const { call } = await startHttp();
    const { body } = await call('GET', '/health', { key: null });
    expect(body).toEqual({ success: true, status: 'ok', version: '0.1.0', uptime_ms: expect.any(Number) });
  });

  it('say that the bus takes mail, until it drains', async () => {
    let draining = false;
    const { call } = await startHttp({ isDraining: () => draining });
    expect((await call('GET', '/ready', { key: null })).body).toEqual({ success: true, status: 'ready' });
    draining = true;
    const reply = await call('GET', '/ready', { key: null });
    expectProblem(reply, 503, 'SHUTTING_DOWN');
    expect(reply.headers['retry-after']).toBe('1');
    expect((await call('GET', '/health', { key: null })).status).toBe(200);
  });

  it.each(['/health', '/ready'])('%s refuses a key in the query string, where logs would keep it', async (path) => {
    const { call } = await startHttp();
    const reply = await call('GET', `${path}?api_key=a-secret`, { key: null });
    expectProblem(reply, 400, 'KEY_IN_QUERY');
    expect(reply.text).not.toContain('a-secret');
    expect((await call('GET', `${path}?probe=1`, { key: null })).status).toBe(200);
  });

  it('show figures as Prometheus reads them', async () => {
    const http = await startHttp();
    const { call } = http;
    await register(http, 'a://b');
    await call('POST', '/messages/send', {
      body: { sender: { agent_id: 'a://b' }, recipient: { agent_id: 'a://b' }, message_type: 'status_update' },
    });
    await call('GET', '/metrics');
    const reply = await call('GET', '/metrics');
    expect(reply.text).toMatch(/^agent_bus_messages_total\{event="accepted"\} 1$/m);
    expect(reply.text).toMatch(/^agent_bus_messages_total\{event="negatively_acknowledged"\} 0$/m);
    expect(reply.headers['content-type']).toMatch(/^text\/plain/);
    expect(reply.text).toMatch(/^process_resident_memory_bytes [1-9]/m);
    expect(reply.text).toMatch(/^process_cpu_seconds_total [0-9.]+$/m);
  });
});

describe('the viewer', () => {
  it('is one page that loads nothing from elsewhere', async () => {
    const { call } = await startHttp();
    const page = await call('GET', '/docs');
    expect(page.status).toBe(200);
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      expect(asset).toMatch(/^\/docs\//);
      expect((await call('GET', asset)).status, asset).toBe(200);
    }
  });

  it.each([
    ['/docs', busKey, 200],
    ['/docs', null, 401],
    ['/docs/static/swagger-ui.css', busKey, 200],
    ['/docs/static/nothing', busKey, 404],
    ['/openapi.json', busKey, 200],
  ])('tells browsers to run and load nothing else: %s with the key %s', async (path, key, status) => {
    const { call } = await startHttp();
    const reply = await call('GET', path, { key });
    expect(reply.status).toBe(status);
    expect(reply.headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; " +
        "img-src 'self' data:; script-src 'self'; style-src 'self'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
  });

  it('has nothing in its page that those rules forbid', async () => {
    const { call } = await startHttp();
    const { text } = await call('GET', '/docs');
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|\sstyle=|<style|\son\w+=|javascript:/i);
  });

  it('asks nobody to validate the document', async () => {
    const { call } = await startHttp();
    expect((await call('GET', '/docs/static/swagger-initializer.js')).text).toMatch(/validatorUrl: null/);
  });

  it('shows the same document as /openapi.json, with the ways to send a key', async () => {
    const { call } = await startHttp();
    const { body } = await call('GET', '/openapi.json');
    expect((await call('GET', '/docs/json')).body).toEqual(body);
    expect(body).toMatchObject({
      openapi: '3.1.0',
      security: [{ key: [] }, { bearer: [] }],
      components: { securitySchemes: { key: { in: 'header', name: 'x-agent-api-key' } } },
    });
    expect(body.paths['/health'].get.security).toEqual([]);
  });
});
