// What a socket writes: the frames of one turn in one write, and no more unread than its peer is granted.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { textFrames } from './text-frames.ts';

export interface FrameWriterOptions {
  webSocket: WebSocket;
  /** The TCP stream beneath. */
  stream: Socket;
  maxBufferedBytes: number;
  /** Milliseconds that more than this may lie unread. */
  slowReaderTimeout: number;
  /** More lies unread than is granted. */
  onBlocked: () => void;
  /** The peer has read it. */
  onFree: () => void;
  /** The peer has not read it in time. */
  onTooSlow: () => void;
}

export class FrameWriter {
  readonly #options: FrameWriterOptions;
  #corked = false;
  #refused = false;
  #tooSlow: NodeJS.Timeout | undefined;

  constructor(options: FrameWriterOptions) {
    this.#options = options;
  }

  /** More has been left unread than is granted. */
  get blocked(): boolean {
    return this.#tooSlow !== undefined;
  }

  /** Nothing more should be written for now; `onFree` says when. */
  get full(): boolean {
    if (this.blocked) return true;
    // What is corked counts: much can be offered in one turn.
    if (this.#isOver) this.#refused = true;
    return this.#refused;
  }

  /**
   * A frame for each payload, which is UTF-8. `taken` is called when they have left this process. A socket that closes
   * takes nothing. They go past `ws`, which would make two chunks of each; whatever it writes itself keeps its place.
   */
  write(payloads: readonly Buffer[], taken?: () => void): void {
    const { webSocket, stream } = this.#options;
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (!this.#corked) {
      this.#corked = true;
      stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        stream.uncork();
        this.#check();
      });
    }
    const written =
      taken === undefined
        ? this.#onWritten
        : (error?: Error | null) => {
            if (!error) taken();
            this.#onWritten();
          };
    stream.write(textFrames(payloads), written);
  }

  close(): void {
    clearTimeout(this.#tooSlow);
  }

  get #isOver(): boolean {
    return this.#options.webSocket.bufferedAmount > this.#options.maxBufferedBytes;
  }

  #check(): void {
    if (this.blocked) return;
    if (!this.#isOver) {
      this.#free();
      return;
    }
    const { slowReaderTimeout, onTooSlow, onBlocked } = this.#options;
    this.#tooSlow = setTimeout(onTooSlow, slowReaderTimeout);
    this.#tooSlow.unref();
    this.#refused = true;
    onBlocked();
  }

  /** A frame has left. The stream's `drain` is not waited for: it does not come after every corked write. */
  readonly #onWritten = (): void => {
    if (!this.blocked || this.#isOver) return;
    clearTimeout(this.#tooSlow);
    this.#tooSlow = undefined;
    this.#free();
  };

  #free(): void {
    if (!this.#refused) return;
    this.#refused = false;
    this.#options.onFree();
  }
}
