import http from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isCollected } from '../support/collected.ts';
import { backend, envelope, orchestrator } from '../support/running-bus.ts';
import { startHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

const sync = { routing: { delivery_mode: 'sync', timeout: '9000h' }, payload: { long: 'x'.repeat(1_000) } };

const question = envelope('q1', orchestrator, backend, sync);

describe.each([
  ['/messages/send', question],
  ['/messages/batch', { messages: [question] }],
])('a request to %s that waits for an answer', (path, body) => {
  it('keeps nothing of what was sent in memory', async () => {
    const { bus, port } = await startHttp();
    const { agents, messages } = bus.workspace('default');
    await agents.register({ agent_descriptor: { agent_id: backend, capabilities: [] } });
    const sent: WeakRef<object>[] = [];
    const send = messages.send.bind(messages);
    vi.spyOn(messages, 'send').mockImplementation((sending) => {
      sent.push(new WeakRef(sending.envelope.payload as object));
      return send(sending);
    });
    const headers = { 'x-agent-api-key': busKey, 'content-type': 'application/json' };
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', path, agent: false, headers });
    request.on('error', () => undefined);
    const closed = new Promise((resolve) => request.once('close', resolve));
    onTestFinished(async () => {
      request.destroy();
      await closed;
    });
    request.end(JSON.stringify(body));
    await vi.waitFor(() => expect(agents.get(backend).queued).toBe(1), { timeout: 10_000 });
    // What a spy was called with, it keeps.
    vi.mocked(messages.send).mockClear();
    expect(sent).toHaveLength(1);
    for (const payload of sent) expect(await isCollected(payload)).toBe(true);
  });
});
