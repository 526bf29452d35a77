// Open event streams (server-sent events): each replays a session's log from its cursor, then follows it live.
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AgentId, SessionEvent } from '../protocol/types.gen.ts';
import { ServerSentEvents } from './server-sent-events.ts';

/** The part of the session manager that streams live on. */
interface EventSource {
  readEvents(sessionId: string, afterVersion: number, limit: number): Promise<SessionEvent[]>;
  settled(sessionId: string): Promise<void>;
  on(channel: 'recorded', listener: (event: SessionEvent) => void): unknown;
  on(channel: 'session_deleted', listener: (event: { sessionId: string }) => void): unknown;
  off(channel: 'recorded', listener: (event: SessionEvent) => void): unknown;
  off(channel: 'session_deleted', listener: (event: { sessionId: string }) => void): unknown;
}

export interface EventStreams {
  /** Takes the response over and streams the events after `cursor` until either side ends it, or the reader leaves the session. */
  open(sessionId: string, cursor: number, response: ServerResponse, reader?: AgentId): void;
  /** Ends all streams; later ones end at once. */
  close(): void;
}

/** Fewer where they are large: what waits for a slow client is a page of its stream. */
const pageSize = 64;

interface Stream {
  /** A new event of the session; it is in the log by now. */
  follow(event: SessionEvent): void;
  end(): void;
}

export function createEventStreams(source: EventSource, pingEveryMs = 15_000): EventStreams {
  const streamsOf = new Map<string, Set<Stream & { reader: AgentId | undefined }>>();
  const onRecorded = (event: SessionEvent): void => {
    for (const stream of streamsOf.get(event.session_id) ?? []) {
      stream.follow(event);
      if (event.type === 'participant_removed' && event.data.agent_id === stream.reader) stream.end();
    }
  };
  const onDeleted = ({ sessionId }: { sessionId: string }): void => {
    // How it ended is recorded behind this: who follows the session is told before the stream ends.
    const streams = streamsOf.get(sessionId);
    const end = (): void => streams?.forEach((stream) => void stream.end());
    if (streams) source.settled(sessionId).then(end, end);
  };
  let closed = false;
  source.on('recorded', onRecorded);
  source.on('session_deleted', onDeleted);

  return {
    open(sessionId, cursor, response, reader) {
      const events = new ServerSentEvents(response, { pingEveryMs, retryMs: 1_000 });
      if (closed) {
        events.end();
        return;
      }
      const stream = { reader, ...createStream(source, sessionId, cursor, events) };
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

function createStream(source: EventSource, sessionId: string, cursor: number, events: ServerSentEvents): Stream {
  let lastSent = cursor;
  /** The newest event that is known to be in the log. */
  let newest = 0;
  let reading = false;

  const send = (event: SessionEvent): void => {
    lastSent = Number(event.id);
    events.send({ id: event.id, type: event.type, data: event });
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
          if (events.isFull) await events.drained();
          if (!events.isOpen) return;
          send(event);
        }
        if (page.length > 0) continue;
        if (newest <= lastSent) return;
        // Whatever keeps it from being read needs a turn to end.
        await nextTurn();
      } while (events.isOpen);
    } catch {
      // The session is gone, or its log cannot be read: the client asks again and is told.
      events.end();
    } finally {
      reading = false;
    }
  };

  void catchUp();
  return {
    follow(event) {
      newest = Number(event.id);
      if (reading || newest <= lastSent) return;
      if (newest === lastSent + 1 && !events.isFull) send(event);
      else void catchUp();
    },
    end: () => events.end(),
  };
}
