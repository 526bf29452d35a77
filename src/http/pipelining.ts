// One request of a connection at a time: whoever sends many at once waits for its own answers, and nobody else does.
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';

/** So many requests may wait behind the one that is answered before no more of the connection is read. */
const mostWaiting = 32;
/** What one read brings is waiting before reading can stop; a connection that has more waiting is cut off. */
const mostOfOneRead = 1_000;

/** Node hands over all requests of one packet in one turn. `listener` gets the next when the one before it is answered. */
export function oneAtATime(listener: RequestListener): RequestListener {
  const queues = new WeakMap<Socket, Queue>();
  return (request, response) => {
    const { socket } = request;
    // It has no socket for as long as an earlier response of the connection has it.
    if (response.socket) {
      listener(request, response);
      return;
    }
    const queue = queues.get(socket) ?? new Queue(socket);
    queues.set(socket, queue);
    queue.enter();
    response.once('socket', () => {
      queue.leave();
      // In a turn of its own: answers that leave at once would follow each other without an end.
      setImmediate(listener, request, response);
    });
  };
}

/** The requests that wait on one connection. Node bounds the answers that nobody reads, and these have none yet. */
class Queue {
  readonly #socket: Socket;
  #waiting = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    // Node resumes a connection with each request that it is through with.
    socket.on('resume', () => this.#hold());
  }

  enter(): void {
    this.#waiting++;
    if (this.#waiting > mostOfOneRead) this.#socket.destroy();
    else this.#hold();
  }

  leave(): void {
    this.#waiting--;
    if (this.#waiting === mostWaiting) this.#socket.resume();
  }

  #hold(): void {
    if (this.#waiting > mostWaiting) this.#socket.pause();
  }
}
