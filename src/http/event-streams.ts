// Open event streams (server-sent events): each replays a session's log from its cursor, then follows it live.
import type { ServerResponse } from 'node:http';
import type { SessionEvent } from '../protocol/types.gen.ts';

/** The part of the session manager that streams live on. */
interface EventSource {
  readEvents(sessionId: string, afterVersion: number, limit: number): Promise<SessionEvent[]>;
  on(channel: 'recorded', listener: (event: SessionEvent) => void): unknown;
  on(channel: 'session_deleted', listener: (event: { sessionId: string }) => void): unknown;
  off(channel: 'recorded', listener: (event: SessionEvent) => void): unknown;
  off(channel: 'session_deleted', listener: (event: { sessionId: string }) => void): unknown;
}

export interface EventStreams {
  /** Takes the response over and streams the events after `cursor` until either side ends it. */
  open(sessionId: string, cursor: number, response: ServerResponse): void;
  /** Ends all streams; later ones end at once. */
  close(): void;
}

/** Events may carry results of a megabyte each. */
const pageSize = 64;

interface Stream {
  /** A new event of the session; it is in the log by now. */
  follow(event: SessionEvent): void;
  end(): void;
}

export function createEventStreams(source: EventSource, pingEveryMs = 15_000): EventStreams {
  const streamsOf = new Map<string, Set<Stream>>();
  const onRecorded = (event: SessionEvent): void => {
    for (const stream of streamsOf.get(event.session_id) ?? []) stream.follow(event);
  };
  const onDeleted = ({ sessionId }: { sessionId: string }): void => {
    for (const stream of streamsOf.get(sessionId) ?? []) stream.end();
  };
  let closed = false;
  source.on('recorded', onRecorded);
  source.on('session_deleted', onDeleted);

  return {
    open(sessionId, cursor, response) {
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        vary: 'accept',
      });
      if (closed) {
        response.end();
        return;
      }
      const stream = createStream(source, sessionId, cursor, response, pingEveryMs);
      const siblings = streamsOf.get(sessionId) ?? new Set();
      streamsOf.set(sessionId, siblings.add(stream));
      response.once('close', () => {
        siblings.delete(stream);
        if (siblings.size === 0 && streamsOf.get(sessionId) === siblings) streamsOf.delete(sessionId);
      });
    },
    close() {
      closed = true;
      source.off('recorded', onRecorded);
      source.off('session_deleted', onDeleted);
      for (const streams of streamsOf.values()) for (const stream of streams) stream.end();
    },
  };
}

function createStream(
  source: EventSource,
  sessionId: string,
  cursor: number,
  response: ServerResponse,
  pingEveryMs: number,
): Stream {
  let lastSent = cursor;
  /** The newest event that is known to be in the log. */
  let newest = 0;
  let reading = false;

  const send = (event: SessionEvent): void => {
    lastSent = Number(event.id);
    response.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  };

  /**
   * Reads on until nothing is left, so that what is recorded meanwhile is neither missed nor sent twice.
   * It writes as fast as the client reads: what waits for a slow one waits in the log.
   */
  const catchUp = async (): Promise<void> => {
    reading = true;
    try {
      do {
        const page = await source.readEvents(sessionId, lastSent, pageSize);
        for (const event of page) {
          if (response.writableNeedDrain) await drained(response);
          if (response.destroyed || response.writableEnded) return;
          send(event);
        }
        if (page.length === 0 && newest <= lastSent) return;
      } while (!response.destroyed && !response.writableEnded);
    } catch {
      // The session is gone, or its log cannot be read: the client asks again and is told.
      response.end();
    } finally {
      reading = false;
    }
  };

  let wasFull = false;
  const ping = setInterval(() => {
    const full = response.writableNeedDrain;
    if (!full) response.write(': ping\n\n');
    // Full at two pings in a row: the client does not read. It can come back with its Last-Event-ID.
    else if (wasFull) response.destroy();
    wasFull = full;
  }, pingEveryMs);
  ping.unref();
  response.once('close', () => clearInterval(ping));

  response.write('retry: 1000\n\n');
  void catchUp();
  return {
    follow(event) {
      newest = Number(event.id);
      if (reading || newest <= lastSent) return;
      if (newest === lastSent + 1 && !response.writableNeedDrain) send(event);
      else void catchUp();
    },
    end: () => response.end(),
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
