import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { completeEnvelope } from '../src/core/delivery/envelope.ts';
import type { Envelope } from '../src/protocol/types.gen.ts';
import { schemaDocuments } from '../src/schema/registry.ts';
import { startHttp } from './http/start-http.ts';
import { busKey, config } from './http/test-bus.ts';
import { quoted, tableOf } from './support/markdown.ts';

interface Schema {
  $ref?: string;
  const?: string;
  type?: string;
  enum?: string[];
  required?: string[];
  properties?: Record<string, Schema>;
}

const definitionOf = (name: string): Schema =>
  schemaDocuments.map(({ definitions }) => definitions[name] as Schema | undefined).find(Boolean) ?? {};
const resolved = (schema: Schema): Schema => (schema.$ref ? definitionOf(schema.$ref.replace(/.*\//, '')) : schema);

/** Every field by its path, those inside objects in place of the object. */
function fieldsOf(schema: Schema, path: string[] = []): { path: string; schema: Schema }[] {
  const { properties } = schema;
  if (!properties) return [{ path: path.join('.'), schema }];
  return Object.entries(properties).flatMap(([name, field]) => fieldsOf(resolved(field), [...path, name]));
}

describe('the envelope of the README', () => {
  const rows = tableOf('field').map(({ field = '', limits = '', ...rest }) => ({
    path: quoted(field)[0] ?? '',
    byDefault: rest.default ?? '',
    limits,
  }));
  const fields = fieldsOf(definitionOf('Envelope'));

  it('has the fields of the schema', () => {
    expect(rows.map(({ path }) => path)).toEqual(fields.map(({ path }) => path));
  });

  it('has its choices', () => {
    for (const { path, schema } of fields.filter(({ schema: { enum: choices } }) => choices)) {
      expect(quoted(rows.find((row) => row.path === path)?.limits ?? ''), path).toEqual(schema.enum);
    }
  });

  it('has the defaults that are filled in', () => {
    const sent: Envelope = {
      sender: { agent_id: 'a://b' },
      recipient: { agent_id: 'c://d' },
      message_type: 'status_update',
    };
    const { envelope } = completeEnvelope(sent, { messageId: 'm1', timestamp: 'now', timeout: '5m' });
    const valueAt = (path: string) =>
      path.split('.').reduce((value: unknown, key) => (value as Record<string, unknown> | undefined)?.[key], envelope);
    const constant = rows.filter((row) => row.byDefault.startsWith('`') && !row.byDefault.includes(' '));
    expect(constant.length).toBeGreaterThan(5);
    for (const row of constant) expect(row.byDefault, row.path).toBe(`\`${valueAt(row.path)}\``);
    for (const row of rows.filter(({ byDefault }) => byDefault === 'none'))
      expect(valueAt(row.path), row.path).toBeUndefined();
  });
});

describe('the socket of the README', () => {
  it('has the frames of the schema with their fields', () => {
    const frames = schemaDocuments
      .flatMap(({ definitions }) => Object.values(definitions) as Schema[])
      .flatMap(({ properties, required = [] }) => {
        const type = properties?.type?.const;
        if (!type || !/^[a-z]+$/.test(type)) return [];
        const names = Object.keys(properties).filter((name) => name !== 'type');
        return [
          [type, names.map((name) => name + (required.includes(name) || name.startsWith('message_id') ? '' : '?'))],
        ];
      });
    const rows = tableOf('from').map(({ frame = '', meaning = '' }) => [
      quoted(frame)[0],
      quoted(meaning)
        .filter((name) => name !== 'ackTimeout')
        .map((name) => (name === 'message_id?' ? 'message_id' : name)),
    ]);
    expect(rows.sort()).toEqual(frames.sort());
  });

  it.each([
    ['a binary frame', '1003', (socket: WebSocket) => socket.send(Buffer.from('{}'))],
    [
      'a text frame that is no UTF-8',
      '1007',
      (socket: WebSocket) => socket.send(Buffer.from([0xff]), { binary: false }),
    ],
    ['a frame above maxPayload', '1009', (socket: WebSocket) => socket.send('x'.repeat(config.maxPayload + 1))],
  ])('is closed after %s with %s, as listed', async (_what, close, act) => {
    const { port } = await startHttp({ onError: () => undefined });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/?agent_id=a://b`, 'agent-bus.v1', {
      headers: { 'x-agent-api-key': busKey },
    });
    await once(socket, 'open');
    act(socket);
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    const row = tableOf('close code').find((one) => one['close code'] === close);
    expect([String(code), String(reason)]).toEqual([close, quoted(row?.reason ?? '')[0] ?? '']);
  });
});
