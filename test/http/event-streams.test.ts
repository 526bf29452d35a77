import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SessionEvent } from '../../src/protocol/types.gen.ts';
import { expectProblem, expectValid, type Http, register, startHttp } from './start-http.ts';
import { busKey } from './test-bus.ts';

interface Frame {
  id: string;
  event: string;
  data: SessionEvent;
}

/** Reads a stream until `stop` says so or it ends. */
async function readStream(
  { port }: Http,
  {
    lastEventId,
    query = '',
    stop,
    key = busKey,
  }: { lastEventId?: string; query?: string; stop?: (frame: Frame) => boolean; key?: string },
): Promise<{ frames: Frame[]; comments: string[]; headers: http.IncomingHttpHeaders; ended: boolean }> {
  const request = http.get({
    host: '127.0.0.1',
    port,
    agent: false,
    path: `/sessions/s1/events${query}`,
    headers: {
      accept: 'text/event-stream',
      'x-agent-api-key': key,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const frames: Frame[] = [];
  const comments: string[] = [];
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const match = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block);
      if (!match) {
        comments.push(block);
        continue;
      }
      const frame = { id: String(match[1]), event: String(match[2]), data: JSON.parse(String(match[3])) };
      frames.push(frame);
      if (stop?.(frame)) return { frames, comments, headers: response.headers, ended: false };
    }
  }
  return { frames, comments, headers: response.headers, ended: true };
}

async function start(): Promise<Http & { change(n: number): void }> {
  const started = await startHttp();
  started.bus.sessions.createSession({ sessionId: 's1', orchestrator: 'claude-code://orchestrator' });
  await started.bus.sessions.settled('s1');
  return { ...started, change: (n) => started.bus.sessions.updateSharedContext('s1', { n }) };
}

const upTo =
  (id: number) =>
  (frame: Frame): boolean =>
    Number(frame.id) >= id;
const idsOf = (frames: Frame[]): number[] => frames.map((frame) => Number(frame.id));
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('the event stream of a session', () => {
  it('replays what happened, each event with its id, type and data', async () => {
    const started = await start();
    started.change(1);
    const { frames, headers, comments } = await readStream(started, { stop: upTo(2) });
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(comments).toEqual(['retry: 1000']);
    expect(frames.map((frame) => [frame.id, frame.event])).toEqual([
      ['1', 'session_created'],
      ['2', 'context_updated'],
    ]);
    for (const { id, event, data } of frames) {
      expectValid('SessionEvent', data);
      expect(data).toMatchObject({ id, type: event, session_id: 's1' });
    }
  });

  it.each([
    ['Last-Event-ID', { lastEventId: '2' }],
    ['after', { query: '?after=2' }],
    ['Last-Event-ID before after', { lastEventId: '2', query: '?after=0' }],
  ])('starts behind %s', async (_name, where) => {
    const started = await start();
    for (const n of [1, 2, 3]) started.change(n);
    const { frames } = await readStream(started, { ...where, stop: upTo(4) });
    expect(idsOf(frames)).toEqual([3, 4]);
  });

  it('goes on with events as they happen', async () => {
    const started = await start();
    const reading = readStream(started, {
      stop(frame) {
        if (Number(frame.id) < 5) started.change(Number(frame.id));
        return upTo(5)(frame);
      },
    });
    expect(idsOf((await reading).frames)).toEqual(range(1, 5));
  });

  it('has no gap and no duplicate over many reconnects while events flow', async () => {
    const started = await start();
    const total = 2000;
    let written = 1;
    const writing = (async () => {
      while (written < total) {
        for (let i = 0; i < 7 && written < total; i++) started.change(++written);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const seen: number[] = [];
    while (seen.length < total) {
      const most = seen.length + 1 + (seen.length % 97);
      const { frames } = await readStream(started, {
        lastEventId: String(seen.at(-1) ?? 0),
        stop: upTo(Math.min(most, total)),
      });
      seen.push(...idsOf(frames));
    }
    await writing;
    expect(seen).toEqual(range(1, total));
  });

  it('sends every reader the same', async () => {
    const started = await start();
    const readers = Array.from({ length: 20 }, () => readStream(started, { stop: upTo(50) }));
    for (let n = 2; n <= 50; n++) {
      started.change(n);
      if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { frames } of await Promise.all(readers)) expect(idsOf(frames)).toEqual(range(1, 50));
  });

  it('ends when the session is deleted, with the event that says so', async () => {
    const started = await start();
    const { ended, frames } = await readStream(started, {
      stop({ id }) {
        if (id === '1') started.bus.sessions.deleteSession('s1');
        return false;
      },
    });
    expect({ ended, ids: idsOf(frames), last: frames.at(-1)?.event }).toEqual({
      ended: true,
      ids: [1, 2],
      last: 'session_terminated',
    });
  });

  it('ends for an agent that leaves the session, and for nobody else', async () => {
    const started = await start();
    const agents = ['codex://leaver', 'codex://stayer'];
    const keys = await register(started, ...agents);
    const { sessions } = started.bus;
    for (const agent_id of agents) sessions.addParticipant('s1', { agent_id });
    const [leaver, stayer] = keys.map((key) =>
      readStream(started, {
        key,
        stop(frame) {
          if (frame.id === '3' && key === keys[0]) sessions.removeParticipant('s1', 'codex://leaver');
          if (frame.id === '4') started.change(1);
          return frame.id === '5';
        },
      }),
    );
    const left = await leaver;
    expect(left).toMatchObject({ ended: true });
    expect(left?.frames.every(({ id }) => Number(id) <= 4)).toBe(true);
    expect(await stayer).toMatchObject({ ended: false });
  });

  it('ends when the server closes, and does not hold it up', async () => {
    const started = await start();
    let closed: Promise<void> | undefined;
    const { ended } = await readStream(started, {
      stop() {
        closed = started.app.close();
        return false;
      },
    });
    expect(ended).toBe(true);
    await closed;
    expect(started.bus.workspace('default').sessions.listenerCount('recorded')).toBe(0);
  });

  it('holds no listener for each reader, and none is left of those who are gone', async () => {
    const started = await start();
    await Promise.all(range(1, 15).map(() => readStream(started, { stop: upTo(1) })));
    expect(started.bus.workspace('default').sessions.listenerCount('recorded')).toBe(1);
  });

  it('buffers little for a client that does not read, and loses nothing for it', async () => {
    const started = await start();
    const socket = net.connect(started.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const requested = once(started.app.server, 'request') as Promise<[http.IncomingMessage, http.ServerResponse]>;
    socket.write(
      `GET /sessions/s1/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nx-agent-api-key: ${busKey}\r\n\r\n`,
    );
    socket.pause();
    const [, response] = await requested;
    const text = 'x'.repeat(100_000);
    for (let n = 2; n <= 200; n++) {
      started.bus.sessions.updateSharedContext('s1', { n, text });
      await started.bus.sessions.settled('s1');
    }
    expect(response.writableLength).toBeLessThan(1024 * 1024);
    const ids = new Set<number>();
    let tail = '';
    for await (const chunk of socket) {
      tail += chunk;
      for (const match of tail.matchAll(/\nid: (\d+)\n/g)) ids.add(Number(match[1]));
      if (ids.has(200)) break;
      tail = tail.slice(-20);
    }
    expect([...ids]).toEqual(range(1, 200));
  });

  it('of an unknown session is a problem, as is a cursor that is none', async () => {
    const { call } = await start();
    const headers = { accept: 'text/event-stream' };
    expectProblem(await call('GET', '/sessions/none/events', { headers }), 404, 'SESSION_NOT_FOUND');
    expectProblem(await call('GET', '/sessions/s1/events?after=x', { headers }), 400, 'VALIDATION_FAILED');
    const odd = { ...headers, 'last-event-id': '1e9' };
    expectProblem(await call('GET', '/sessions/s1/events', { headers: odd }), 400, 'VALIDATION_FAILED');
  });

  it('after an event that there has never been is refused: it would wait for ever', async () => {
    const { call } = await start();
    const { body } = await call('GET', '/sessions/s1/events');
    const last = Number(body.items.at(-1).id);
    for (const headers of [{ accept: 'text/event-stream' }, { accept: 'application/json' }]) {
      const beyond = await call('GET', '/sessions/s1/events', {
        headers: { ...headers, 'last-event-id': String(last + 1) },
      });
      expectProblem(beyond, 400, 'VALIDATION_FAILED');
      expect(beyond.body.error).toContain(`is behind the last event of the session, ${last}`);
    }
    expect((await call('GET', `/sessions/s1/events?after=${last}`)).body.items).toEqual([]);
  });
});
