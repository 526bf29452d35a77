import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { register, startHttp } from './start-http.ts';
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
      { msg: 'request', reqId: 'req_2', status: 404 },
    ]);
    expect(lines[1]).not.toHaveProperty('path');
    expect(JSON.stringify(lines)).not.toContain(busKey);
    expect(JSON.stringify(lines)).not.toContain('limit');
  });

  it('names agent, session and message where there are such, of a path, a body or an answer', async () => {
    const http = await start('debug');
    const [agentId, sessionId, messageId] = ['codex://qa', 's1', 'm1'];
    await register(http, agentId);
    await http.call('POST', '/sessions', { body: { session_id: sessionId, orchestrator: agentId } });
    const envelope = { recipient: { agent_id: agentId }, message_type: 'status_update' };
    const sender = { agent_id: agentId, session_id: sessionId };
    await http.call('POST', '/messages/send', { body: { ...envelope, sender, message_id: messageId } });
    const { body } = await http.call('POST', '/messages/send', {
      body: { ...envelope, sender: { agent_id: agentId } },
    });
    await http.call('GET', `/agents/${agentId}/messages`);
    await http.call('POST', `/agents/${agentId}/messages/${messageId}/ack`);
    await http.call('GET', `/sessions/${sessionId}/events`);
    await http.call('POST', '/messages/send', { body: { message_id: 'a\nb', sender: [], session_id: {} } });
    await http.app.close();
    expect(http.lines.slice(1).map(({ path, ...ids }) => [path, ids.agentId, ids.sessionId, ids.messageId])).toEqual([
      ['/sessions', undefined, sessionId, undefined],
      ['/messages/send', agentId, sessionId, messageId],
      ['/messages/send', agentId, undefined, body.message_id],
      ['/agents/:agent_id/messages', agentId, undefined, undefined],
      ['/agents/:agent_id/messages/:message_id/ack', agentId, undefined, messageId],
      ['/sessions/:session_id/events', undefined, sessionId, undefined],
      ['/messages/send', undefined, undefined, undefined],
    ]);
  });

  it('is silent at info level', async () => {
    const { call, app, lines } = await start('info');
    await call('GET', '/agents');
    await app.close();
    expect(lines).toEqual([]);
  });
});
