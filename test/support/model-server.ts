// A local server that speaks OpenAI's chat completions and Anthropic's messages, keeps what it was asked, and fails on demand.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { anthropicDialect, type Dialect, openaiDialect } from './model-dialects.ts';

interface ModelRequest {
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  body: any;
  /** Whether the client has ended the connection before the answer was complete. */
  aborted: boolean;
}

/** What the server does with a request; `answer` with an echo where nothing was ordered. */
export type Behaviour =
  | {
      do: 'answer';
      text?: string | string[];
      finish?: 'stop' | 'length' | undefined;
      usage?: boolean;
      delayMs?: number;
    }
  /** An HTTP error. `body` is sent as it is; where left out, one in the form of the dialect that says `message`. */
  | { do: 'fail'; status: number; message?: string; body?: string; headers?: Record<string, string> }
  /** Says so many pieces of text (of a stream) and then nothing more. */
  | { do: 'hang'; after?: number }
  /** Ends the connection after so many pieces, by force or as if all were said. */
  | { do: 'cut'; after?: number; politely?: boolean }
  /** Resets the connection in place of an answer. */
  | { do: 'reset' }
  /** Goes on talking for as long as somebody listens; with `noise` it never gets to the end of a piece. */
  | { do: 'babble'; noise?: boolean }
  /** Sends this in place of the answer, or in a stream behind so many pieces; one where left out, and -Infinity is in front of everything. */
  | { do: 'garble'; text: string; after?: number };

export interface ModelServer {
  /** Without a path: the providers add `/v1`. */
  url: string;
  baseURL: string;
  requests: ModelRequest[];
  /** What happens to the next requests, in this order. */
  order(...behaviours: Behaviour[]): void;
  /** The next request that has not been waited for. */
  request(): Promise<ModelRequest>;
}

/** Passes for this server also where a test stops the time. */
const later = setTimeout;

/** Closed, with all its connections, when the test ends. `unordered` is what it does where nothing was ordered. */
export async function startModelServer(
  unordered: (request: ModelRequest) => Behaviour = () => ({ do: 'answer' }),
): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const ordered: Behaviour[] = [];
  const waiting: ((request: ModelRequest) => void)[] = [];
  let seen = 0;

  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await readRequest(incoming);
      requests.push(request);
      response.on('close', () => {
        request.aborted = !response.writableFinished;
      });
      waiting.shift()?.(request);
      const dialect = incoming.url?.endsWith('/messages') ? anthropicDialect : openaiDialect;
      await behave(ordered.shift() ?? unordered(request), dialect, request, response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    baseURL: `${url}/v1`,
    requests,
    order: (...behaviours) => void ordered.push(...behaviours),
    async request() {
      seen += 1;
      return requests[seen - 1] ?? new Promise((resolve) => waiting.push(resolve));
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<ModelRequest> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  return { path: incoming.url ?? '', headers: incoming.headers, body: JSON.parse(text), aborted: false };
}

async function behave(behaviour: Behaviour, dialect: Dialect, { body }: ModelRequest, response: ServerResponse) {
  if (behaviour.do === 'fail') {
    const { status, message = 'no', body: text, headers } = behaviour;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text ?? JSON.stringify(dialect.error(message)));
    return;
  }
  if (behaviour.do === 'answer' && behaviour.delayMs) {
    await new Promise((resolve) => later(resolve, behaviour.delayMs));
  }
  if (behaviour.do === 'reset') response.socket?.resetAndDestroy();
  else if (behaviour.do === 'babble') babble(behaviour, dialect, body, response);
  else if (body.stream) stream(behaviour, dialect, body.model, response);
  else answerWhole(behaviour, dialect, body, response);
}

const echo = (body: { messages: { content: unknown }[] }): string => {
  const content = body.messages.at(-1)?.content;
  return `echo: ${typeof content === 'string' ? content : JSON.stringify(content)}`;
};

function answerWhole(behaviour: Behaviour, dialect: Dialect, body: ModelRequest['body'], response: ServerResponse) {
  if (behaviour.do === 'hang') return;
  const { text = echo(body), finish = 'stop', usage = true } = behaviour.do === 'answer' ? behaviour : {};
  const whole = JSON.stringify(dialect.whole({ model: body.model, text: [text].flat().join(''), finish, usage }));
  response.setHeader('content-type', 'application/json');
  if (behaviour.do === 'garble') {
    response.end(behaviour.text);
  } else if (behaviour.do === 'cut') {
    response.setHeader('content-length', Buffer.byteLength(whole));
    response.write(whole.slice(0, whole.length / 2), () => response.destroy());
  } else {
    response.end(whole);
  }
}

type Babble = Extract<Behaviour, { do: 'babble' }>;

function babble(
  behaviour: Babble,
  dialect: Dialect,
  { model, stream }: ModelRequest['body'],
  response: ServerResponse,
) {
  const [begun, words] = endless(behaviour, dialect, model, stream === true);
  response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
  response.write(begun);
  const talk = () => {
    while (!response.destroyed && response.write(words));
  };
  response.on('drain', () => setImmediate(talk));
  talk();
}

/** How it begins, and what is said over and over. */
function endless({ noise }: Babble, dialect: Dialect, model: string, stream: boolean): [begun: string, words: string] {
  const text = 'and so on '.repeat(100);
  const about = { model, finish: 'stop', usage: true } as const;
  if (stream) {
    const { opening, piece } = dialect.events(about);
    return [opening.join(''), noise ? `data: ${text}\n` : piece(text)];
  }
  const whole = JSON.stringify(dialect.whole({ ...about, text }));
  return noise ? ['', ' \n'.repeat(500)] : [whole.slice(0, whole.indexOf(text)), text];
}

function stream(behaviour: Behaviour, dialect: Dialect, model: string, response: ServerResponse) {
  const isAnswer = behaviour.do === 'answer';
  const pieces = [(isAnswer && behaviour.text) || ['Hel', 'lo ', 'there']].flat();
  const { finish = 'stop', usage = true } = isAnswer ? behaviour : {};
  const { opening, piece, closing } = dialect.events({ model, finish, usage });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const said = behaviour.do === 'hang' || behaviour.do === 'cut' ? (behaviour.after ?? 1) : pieces.length;
  const events = [...opening, ...pieces.slice(0, said).map(piece)];
  if (behaviour.do === 'garble')
    events.splice(opening.length + (behaviour.after ?? 1), 0, `data: ${behaviour.text}\n\n`);
  if (behaviour.do === 'hang') {
    response.flushHeaders();
    if (said > 0) response.write(events.join(''));
  } else if (behaviour.do === 'cut' && behaviour.politely) {
    response.end(events.join(''));
  } else if (behaviour.do === 'cut') {
    // Later, so that what was said has arrived before the connection breaks.
    response.write(events.join(''), () => later(() => response.destroy(), 20));
  } else {
    response.end([...events, ...closing].join(''));
  }
}
