// How much a provider may say: the text of a reply is held against it, and what comes over the wire against a multiple.
import { BusError } from '../protocol/errors.ts';

export interface ReplyLimit {
  /** @param bytes What the reply has so far, in UTF-8. @throws BusError PROVIDER_REPLY_TOO_LARGE */
  assertWithin(bytes: number): void;
  /** The same answer, which fails with that error where no reply within the limit can need so many bytes. */
  guard(response: Response): Response;
}

/** @param maxBytes UTF-8 bytes of the text of one reply. */
export function createReplyLimit(provider: string, maxBytes: number): ReplyLimit {
  const words = `said more than ${maxBytes} bytes in one reply; ask for less, or raise its \`maxReplyBytes\`.`;
  const tooLarge = () => new BusError('PROVIDER_REPLY_TOO_LARGE', `The provider ${provider} ${words}`);
  // A letter of the text may be six bytes of JSON, and something is said around it.
  const maxWireBytes = 8 * maxBytes + 65_536;
  return {
    assertWithin(bytes) {
      if (bytes > maxBytes) throw tooLarge();
    },
    guard(response) {
      if (!response.body) return response;
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
      const count = isStream ? createEventCounter() : createCounter();
      const counting = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          if (count(chunk) > maxWireBytes) controller.error(tooLarge());
          else controller.enqueue(chunk);
        },
      });
      return new Response(response.body.pipeThrough(counting), response);
    },
  };
}

/** What somebody has to keep who reads so far. */
type Counter = (chunk: Uint8Array) => number;

function createCounter(): Counter {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.length;
    return bytes;
  };
}

const [lineFeed, carriageReturn] = [0x0a, 0x0d];

/** An event is read as a whole and ends with an empty line. */
function createEventCounter(): Counter {
  let bytes = 0;
  let isLineEmpty = true;
  return (chunk) => {
    for (const byte of chunk) {
      bytes = byte === lineFeed && isLineEmpty ? 0 : bytes + 1;
      if (byte !== carriageReturn) isLineEmpty = byte === lineFeed;
    }
    return bytes;
  };
}
