import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStamps, Stamp, stampedBytes } from '../../src/bus/stamp.ts';
import type { CompleteEnvelope } from '../../src/protocol/types.gen.ts';

const accepted = Date.UTC(2025, 1, 2, 11);
const stamp = createStamps('team-a')('claude-code://lead', accepted, 3);
const ours =
  '"bus":{"sender":"claude-code://lead","workspace_id":"team-a","accepted_at":"2025-02-02T11:00:00.000Z","hop":3}';

/** What the bus makes of these bytes; they need not be an envelope otherwise. */
function stampOn(text: string, by = stamp): string {
  const raw = Buffer.from(text);
  return stampedBytes(JSON.parse(text) as CompleteEnvelope, by, raw).toString();
}

describe('the stamp of the bus', () => {
  it.each([
    ['{"a":1}', `{"a":1,"metadata":{${ours}}}`],
    [' {"a":1e400 }\r\n', ` {"a":1e400 ,"metadata":{${ours}}}\r\n`],
    ['{"a":1,"metadata":{}}', `{"a":1,"metadata":{${ours}}}`],
    ['{"a":1,"metadata":{ \n}}', `{"a":1,"metadata":{ \n${ours}}}`],
    ['{"a":1,"metadata":{"step":"x"} }', `{"a":1,"metadata":{"step":"x",${ours}} }`],
    ['{"metadata":{"b":[{}]},"a":{"metadata":{}}}', `{"metadata":{"b":[{}],${ours}},"a":{"metadata":{}}}`],
    [
      '{"metadat\\u0061":{"b":"}"},"é":"\\"metadata\\":{"}',
      `{"metadat\\u0061":{"b":"}",${ours}},"é":"\\"metadata\\":{"}`,
    ],
  ])('is put into %s and changes nothing else', (text, expected) => {
    expect(stampOn(text)).toBe(expected);
  });

  it.each([
    '{"metadata":{"bus":{"hop":1}},"a":12345678901234567890,"metadata":{"b":1}}',
    '{"metadat\\u0061":{"bus":{"hop":1}},"a":1,"metadata":{}}',
    '{"metadata":{"bus":1},"metadata":{"c":1},"m\\u0065tadata":{"b":1}}',
  ])('leaves nobody a second metadata to read: %s', (text) => {
    const { metadata, ...rest } = JSON.parse(text);
    const out = stampOn(text);
    expect(JSON.parse(out)).toEqual({ ...rest, metadata: { ...metadata, bus: stamp.bus } });
    expect(out.match(/"bus"/g)).toHaveLength(1);
    expect(out.match(/metadat/g)).toHaveLength(1);
  });

  it('says who sent it as it is, whatever the name is made of', () => {
    const odd = new Stamp({ ...stamp.bus, sender: 'jwt:"é\\\u0000' });
    expect(JSON.parse(stampOn('{"a":"é"}', odd))).toEqual({ a: 'é', metadata: { bus: odd.bus } });
  });

  it('is put into a copy, which keeps nothing of what the envelope came with in memory', () => {
    const chunk = Buffer.from(`a head of some kind {"a":1} ${'x'.repeat(1_000_000)}`);
    const raw = chunk.subarray(20, 27);
    const bytes = stampedBytes(JSON.parse(raw.toString()) as CompleteEnvelope, stamp, raw);
    // Small ones share a pool of Node's.
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
  });

  it('has the instant of each message, also where many come in one millisecond', () => {
    const stamps = createStamps('default');
    const times = [accepted, accepted, accepted + 1, accepted].map((at) => stamps('bus', at, 1).bus.accepted_at);
    expect(times.map((time) => Date.parse(time))).toEqual([accepted, accepted, accepted + 1, accepted]);
  });

  it('adds metadata.bus to what any JSON object says, and nothing else', () => {
    const odd = fc.constantFrom(
      'metadata',
      'bus',
      '"',
      '\\',
      '"metadata":{',
      '}',
      '{',
      '\\"',
      '\\u006d',
      'é',
      '\u2028',
    );
    const key = fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 6 }));
    const leaf = fc.oneof(odd, fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }));
    const value = fc.oneof(
      leaf,
      fc.array(leaf),
      fc.dictionary(key, leaf),
      fc.dictionary(key, fc.dictionary(key, leaf)),
    );
    const metadata = fc.tuple(fc.constant('metadata'), fc.dictionary(key, value));
    const member = fc.oneof({ weight: 3, arbitrary: fc.tuple(key, value) }, { weight: 1, arbitrary: metadata });
    const escaped = fc.boolean();
    const indent = fc.constantFrom(undefined, 1, '\t');
    const spaces = fc.constantFrom('', ' \r\n\t');
    fc.assert(
      fc.property(fc.array(member, { minLength: 1 }), indent, spaces, escaped, (members, space, around, isEscaped) => {
        // The schema lets no other metadata in.
        const all = members.filter(([name, one]) => name !== 'metadata' || isObjectWithoutBus(one));
        if (all.length === 0) return;
        const write = (name: string) => (isEscaped ? escapeAll(name) : JSON.stringify(name));
        const written = all.map(([name, one]) => `${write(name)}:${JSON.stringify(one, undefined, space)}`);
        const text = `${around}{${written.join(',')}}${around}`;
        const out = stampOn(text);
        const places = all.flatMap(([name], index) => (name === 'metadata' ? [index] : []));
        const [place] = places;
        if (places.length > 1) {
          expect(JSON.parse(out).metadata.bus).toEqual(stamp.bus);
          return;
        }
        // Every other byte is as it was.
        if (place === undefined) written.push(`"metadata":{${ours}}`);
        else
          written[place] = (written[place] ?? '').replace(/(\{)?\}$/, (end) =>
            end === '}' ? `,${ours}}` : `{${ours}}`,
          );
        expect(out).toBe(`${around}{${written.join(',')}}${around}`);
      }),
      { numRuns: 1000 },
    );
  });
});

function isObjectWithoutBus(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, 'bus');
}

/** The same string with every UTF-16 unit as an escape. */
function escapeAll(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}
