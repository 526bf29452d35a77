// Recognises the request that agents send all day, when it came whole and plain. What it does not take, Node reads.

export interface PlainRequest {
  host: string;
  headers: { 'x-agent-api-key'?: string; authorization?: string };
  /** The one that it names, unchecked. */
  workspace: string | undefined;
  /** A part of what was read. */
  body: Buffer;
}

const start = 'POST /messages/send HTTP/1.1\r\n';
const headEnd = Buffer.from('\r\n\r\n');
const longestHead = 4_096;
/** As narrow as clients write it: no other white space, no control characters, nothing beyond ASCII. */
const field = /([A-Za-z-]+): ?([!-~](?:[ -~]*[!-~])?)\r\n/y;
const length = /^[1-9]\d{0,6}$/;
const mostDigits = 7;

/** Fields that change nothing here, and those that are read below. Any other may mean something elsewhere. */
const known: ReadonlySet<string> = new Set([
  ...['accept', 'accept-encoding', 'accept-language', 'referer', 'sec-fetch-mode', 'user-agent'],
  ...['authorization', 'connection', 'content-length', 'content-type', 'host', 'x-agent-api-key', 'x-agent-workspace'],
]);

/** A head that was read, around the digits of its content length. */
interface KnownHead {
  before: Buffer;
  after: Buffer;
  host: string;
  headers: PlainRequest['headers'];
  workspace: PlainRequest['workspace'];
}

/** Reads the requests of one connection. Their heads are alike but for the length of the body: each is read once. */
export class PlainRequestReader {
  #known: KnownHead | undefined;

  /**
   * `undefined` unless the chunk is exactly one `POST /messages/send` with a JSON body on a connection that stays open,
   * in the narrowest reading of RFC 9112: nobody in front of the bus can read another message out of these bytes.
   */
  read(chunk: Buffer): PlainRequest | undefined {
    const again = this.#known && bodyBehind(this.#known, chunk);
    if (again) return again;
    this.#known = readHead(chunk);
    return this.#known && bodyBehind(this.#known, chunk);
  }
}

function readHead(chunk: Buffer): KnownHead | undefined {
  const end = chunk.indexOf(headEnd);
  if (end < 0 || end > longestHead) return undefined;
  const head = chunk.toString('latin1', 0, end + 2);
  if (!head.startsWith(start)) return undefined;
  const fields: Partial<Record<string, string>> = {};
  let lengthEnd = 0;
  for (field.lastIndex = start.length; field.lastIndex < head.length; ) {
    const [, name = '', value] = field.exec(head) ?? [];
    const key = name.toLowerCase();
    if (!known.has(key) || fields[key] !== undefined) return undefined;
    fields[key] = value;
    if (key === 'content-length') lengthEnd = field.lastIndex - 2;
  }
  const { connection = 'keep-alive', host, 'content-type': type, 'content-length': size = '' } = fields;
  if (host === undefined || type !== 'application/json' || connection.toLowerCase() !== 'keep-alive') return undefined;
  if (!length.test(size)) return undefined;
  const { 'x-agent-api-key': key, 'x-agent-workspace': workspace, authorization } = fields;
  return {
    before: Buffer.from(chunk.subarray(0, lengthEnd - size.length)),
    after: Buffer.from(chunk.subarray(lengthEnd, end + headEnd.length)),
    host,
    headers: {
      ...(key !== undefined && { 'x-agent-api-key': key }),
      ...(authorization !== undefined && { authorization }),
    },
    workspace,
  };
}

function bodyBehind({ before, after, host, headers, workspace }: KnownHead, chunk: Buffer): PlainRequest | undefined {
  if (!isAt(chunk, 0, before)) return undefined;
  let at = before.length;
  let size = 0;
  for (let digit = digitAt(chunk, at); digit >= (size === 0 ? 1 : 0); digit = digitAt(chunk, at)) {
    size = size * 10 + digit;
    if (++at - before.length > mostDigits) return undefined;
  }
  const body = at + after.length;
  if (size === 0 || chunk.length !== body + size || !isAt(chunk, at, after)) return undefined;
  return { host, headers, workspace, body: chunk.subarray(body) };
}

function isAt(chunk: Buffer, at: number, part: Buffer): boolean {
  return chunk.length >= at + part.length && part.compare(chunk, at, at + part.length) === 0;
}

/** -1 where none is. */
function digitAt(chunk: Buffer, at: number): number {
  const digit = (chunk[at] ?? 0) - 0x30;
  return digit >= 0 && digit <= 9 ? digit : -1;
}
