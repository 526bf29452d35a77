import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlainRequestReader } from '../../src/http/plain-request.ts';

const body = '{"message_type":"error"}';
const usual = ['Host: localhost:8080', 'x-agent-api-key: key', 'Content-Type: application/json'];

function request({ line = 'POST /messages/send HTTP/1.1', fields = usual, size = String(body.length), end = '' } = {}) {
  return Buffer.from(`${[line, ...fields, `Content-Length: ${size}`].join('\r\n')}\r\n\r\n${body}${end}`, 'latin1');
}

/** A connection's first request, and one of a head that is known: they must be read alike. */
function readPlainRequest(chunk: Buffer) {
  const first = new PlainRequestReader().read(chunk);
  const reader = new PlainRequestReader();
  reader.read(request());
  expect(reader.read(chunk)).toEqual(first);
  return first;
}

describe('a plain request', () => {
  it('is read as it came', () => {
    const read = readPlainRequest(request());
    expect(read?.headers).toEqual({ 'x-agent-api-key': 'key' });
    expect(read?.workspace).toBeUndefined();
    expect(read?.host).toBe('localhost:8080');
    expect(read?.body.toString()).toBe(body);
  });

  it('says which workspace it names', () => {
    const named = request({ fields: [...usual, 'X-Agent-Workspace: team-a'] });
    expect(readPlainRequest(named)?.workspace).toBe('team-a');
  });

  it('is read behind others of the connection, whose bodies are of other lengths', () => {
    const reader = new PlainRequestReader();
    for (const digits of [1, 6, 2, 3, 2]) {
      const size = 10 ** (digits - 1) + digits;
      const sent = Buffer.concat([
        request({ size: String(size) }).subarray(0, -body.length),
        Buffer.alloc(size, String(digits)),
      ]);
      expect(reader.read(sent)?.body).toEqual(Buffer.alloc(size, String(digits)));
      expect(reader.read(Buffer.concat([sent, sent]))).toBeUndefined();
    }
    const other = request({ fields: [...usual.slice(0, 1), 'x-agent-api-key: other', ...usual.slice(2)] });
    expect(reader.read(other)?.headers).toEqual({ 'x-agent-api-key': 'other' });
  });

  it.each([
    ['of fetch', ['connection: keep-alive', 'accept: */*', 'accept-language: *', 'sec-fetch-mode: cors']],
    ['of curl', ['User-Agent: curl/7.88.1', 'Accept: */*']],
    ['with a bearer token', ['authorization: Bearer abt_1']],
    ['without a space', ['accept:*/*']],
  ])('may have the fields %s', (_name, fields) => {
    expect(readPlainRequest(request({ fields: [...usual, ...fields] }))).toBeDefined();
  });

  it.each([
    ['another method', { line: 'PUT /messages/send HTTP/1.1' }],
    ['another path', { line: 'POST /messages/send/ HTTP/1.1' }],
    ['a query', { line: 'POST /messages/send?key=1 HTTP/1.1' }],
    ['HTTP/1.0', { line: 'POST /messages/send HTTP/1.0' }],
    ['no host', { fields: usual.slice(1) }],
    ['no content type', { fields: usual.slice(0, 2) }],
    ['a charset', { fields: [...usual.slice(0, 2), 'content-type: application/json; charset=latin1'] }],
    ['a field that it does not know', { fields: [...usual, 'x-other: 1'] }],
    ['Expect', { fields: [...usual, 'Expect: 100-continue'] }],
    ['Upgrade', { fields: [...usual, 'Upgrade: websocket'] }],
    ['a connection that closes', { fields: [...usual, 'Connection: close'] }],
    ['a connection that names another field', { fields: [...usual, 'Connection: keep-alive, host'] }],
    ['a transfer encoding', { fields: [...usual, 'Transfer-Encoding: chunked'] }],
    ['two lengths', { fields: [...usual, `Content-Length: ${body.length}`] }],
    ['an origin', { fields: [...usual, 'Origin: http://localhost:8080'] }],
    ['two hosts', { fields: [...usual, 'HOST: other'] }],
    ['a signed length', { size: `+${body.length}` }],
    ['a length in hexadecimal', { size: '0x18' }],
    ['a length with a leading zero', { size: `0${body.length}` }],
    ['a length with a list', { size: `${body.length},${body.length}` }],
    ['a space before the colon', { fields: [...usual, 'accept : */*'] }],
    ['a space before the name', { fields: [...usual, ' accept: */*'] }],
    ['a folded line', { fields: [...usual, 'accept: a\r\n b'] }],
    ['a bare line feed', { fields: [...usual, 'accept: a\nTransfer-Encoding: chunked'] }],
    ['a bare carriage return', { fields: [...usual, 'accept: a\rb'] }],
    ['a tab', { fields: [...usual, 'accept:\t*/*'] }],
    ['white space at the end of a value', { fields: [...usual, 'accept: */* '] }],
    ['a control character', { fields: [...usual, 'accept: \0'] }],
    ['more than ASCII', { fields: [...usual, 'user-agent: ü'] }],
    ['an empty value', { fields: [...usual, 'accept:'] }],
    ['a long head', { fields: [...usual, `user-agent: ${'x'.repeat(5_000)}`] }],
    ['more bytes than it says', { end: 'P' }],
    ['fewer bytes than it says', { size: String(body.length + 1) }],
    ['no body', { size: '0' }],
  ])('has not %s', (_name, change) => {
    expect(readPlainRequest(request(change))).toBeUndefined();
  });

  it('is never read from a part of it, or with anything after it', () => {
    const whole = request();
    for (let at = 0; at < whole.length; at++) expect(readPlainRequest(whole.subarray(0, at))).toBeUndefined();
    expect(readPlainRequest(Buffer.concat([whole, whole]))).toBeUndefined();
  });

  it('stays what it is, or is Node’s, whatever byte of its head is another', () => {
    const whole = request();
    const head = whole.length - body.length;
    fc.assert(
      fc.property(fc.nat(head - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        const read = readPlainRequest(changed);
        return read === undefined || read.body.equals(whole.subarray(head));
      }),
      { numRuns: 5_000 },
    );
  });
});
