import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { startHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

async function start(level: string) {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const http = await startHttp({ logger: pino({ level }, sink) });
  return { ...http, lines };
}

describe('the request log', () => {
  it('has one line for each request at debug level, without the query string and without a key', async () => {
    const { call, app, lines } = await start('debug');
    await call('GET', '/agents?limit=3');
    await call('GET', '/nothing');
    await app.close();
    expect(lines).toMatchObject([
      { msg: 'request', reqId: 'req_1', method: 'GET', path: '/agents', status: 200, ms: expect.any(Number) },
      { msg: 'request', reqId: 'req_2', path: '/nothing', status: 404 },
    ]);
    expect(JSON.stringify(lines)).not.toContain(busKey);
    expect(JSON.stringify(lines)).not.toContain('limit');
  });

  it('is silent at info level', async () => {
    const { call, app, lines } = await start('info');
    await call('GET', '/agents');
    await app.close();
    expect(lines).toEqual([]);
  });
});
