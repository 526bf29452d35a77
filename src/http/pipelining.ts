// One request of a connection at a time: whoever sends many at once waits for its own answers, and nobody else does.
import type { RequestListener } from 'node:http';

/** Node hands over all requests of one packet in one turn. `listener` gets the next when the one before it is answered. */
export function oneAtATime(listener: RequestListener): RequestListener {
  return (request, response) => {
    // It has no socket for as long as an earlier response of the connection has it.
    if (response.socket) listener(request, response);
    // In a turn of its own: answers that leave at once would follow each other without an end.
    else response.once('socket', () => setImmediate(listener, request, response));
  };
}
