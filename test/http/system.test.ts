import { describe, expect, it } from 'vitest';
import { expectProblem, register, startHttp } from './start-http.ts';

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
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      expect(asset).toMatch(/^\/docs\//);
      expect((await call('GET', asset)).status, asset).toBe(200);
    }
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
