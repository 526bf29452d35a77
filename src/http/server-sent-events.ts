// One response as server-sent events: its head, its heartbeats, and the end of a client that does not read.
import type { ServerResponse } from 'node:http';
import { whenNoMoreComes } from './gone.ts';
import { varyByAccept } from './negotiation.ts';

export interface ServerSentEvent {
  type: string;
  /** Sent as JSON. */
  data: unknown;
  /** What a client that reconnects sends as `Last-Event-ID`. */
  id?: string;
}

export class ServerSentEvents {
  readonly #response: ServerResponse;

  /** Takes the response over. `retryMs` is when a client that lost its connection shall come back. */
  constructor(response: ServerResponse, { pingEveryMs = 15_000, retryMs }: { pingEveryMs?: number; retryMs?: number }) {
    this.#response = response;
    varyByAccept(response);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    if (retryMs !== undefined) response.write(`retry: ${retryMs}\n\n`);
    let wasFull = false;
    const ping = setInterval(() => {
      const { isFull } = this;
      if (!isFull) this.ping();
      // Full at two pings in a row: the client does not read.
      else if (wasFull) response.destroy();
      wasFull = isFull;
    }, pingEveryMs);
    ping.unref();
    response.once('close', () => clearInterval(ping));
    // It has gone, as far as can be known before much is written to it.
    whenNoMoreComes(response, () => response.end());
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }

  /** What is sent now waits in memory. */
  get isFull(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** A comment, which clients pass over. */
  ping(): void {
    this.#write(': ping\n\n');
  }

  send({ type, data, id }: ServerSentEvent): void {
    const cursor = id === undefined ? '' : `id: ${id}\n`;
    this.#write(`${cursor}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Resolves when there is room for more, or nobody is there any more. */
  async drained(): Promise<void> {
    if (!this.isFull) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done).off('close', done);
        resolve();
      };
      this.#response.on('drain', done).on('close', done);
    });
  }

  end(): void {
    this.#response.end();
  }

  /** A write behind the end is a fault to Node. */
  #write(text: string): void {
    if (this.isOpen) this.#response.write(text);
  }
}
