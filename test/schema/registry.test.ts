import { describe, expect, it } from 'vitest';
import type { BusError } from '../../src/protocol/errors.ts';
import { assertValid, refOf, schemaDocuments, strictAjv, validatorOf } from '../../src/schema/registry.ts';

describe('every schema', () => {
  for (const document of schemaDocuments) {
    it(`of ${document.$id} is one of JSON Schema draft-07`, () => {
      expect(strictAjv.validateSchema(document), JSON.stringify(strictAjv.errors)).toBe(true);
    });
    for (const [name, definition] of Object.entries(document.definitions)) {
      const examples = (definition as { examples?: unknown[] }).examples ?? [];
      for (const [index, example] of examples.entries()) {
        it(`accepts example ${index} of ${name}`, () => {
          const validate = validatorOf(name);
          expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
        });
      }
      it(`compiles ${name}`, () => {
        expect(() => strictAjv.compile({ $ref: refOf(name) })).not.toThrow();
      });
    }
  }
});

describe('a refusal', () => {
  const envelope = {
    sender: { agent_id: 'claude-code://orchestrator' },
    recipient: { agent_id: 'opencode://backend' },
    message_type: 'task_request',
  };
  const descriptor = { agent_id: 'codex://qa' };
  const agent = /must be scheme:\/\/name, like opencode:\/\/backend/;

  it.each([
    ['Envelope', { ...envelope, recipient: {} }, '/recipient', /must name one of agent_id, capability and session_id/],
    [
      'Envelope',
      { ...envelope, recipient: { agent_id: 'a://b', capability: 'c' } },
      '/recipient',
      /must name one of agent_id, capability and session_id/,
    ],
    ['Envelope', { ...envelope, recipient: { agent_id: 'backend' } }, '/recipient/agent_id', agent],
    ['Envelope', { ...envelope, message_id: 'a b' }, '/message_id', /must be made of A-Z a-z 0-9 _ \. : -/],
    ['Envelope', { ...envelope, routing: { timeout: '5 min' } }, '/routing/timeout', /like 250ms, 300s, 5m or 1h/],
    ['Envelope', { ...envelope, routing: { fallback_agents: ['x'] } }, '/routing/fallback_agents/0', agent],
    [
      'AgentDescriptor',
      { ...descriptor, capabilities: 'review' },
      '/capabilities',
      /must be a list of names, or an object/,
    ],
    ['AgentDescriptor', { ...descriptor, capabilities: [''] }, '/capabilities/0', /fewer than 1 characters/],
    ['AckFrame', { type: 'ack' }, '', /must have either message_id or message_ids/],
  ])('of a bad %s says in words what is expected: %j', (name, value, path, words) => {
    let refusal: BusError | undefined;
    try {
      assertValid(name, 'body', value);
    } catch (error) {
      refusal = error as BusError;
    }
    expect(refusal?.details[0]?.path).toBe(path);
    expect(refusal?.details[0]?.message).toMatch(words);
    expect(refusal?.message).not.toMatch(/oneOf|anyOf|\^/);
  });

  it('has words for every pattern and every choice that is asked of clients', () => {
    const silent: string[] = [];
    const asked = ['common.json', 'envelope.json', 'frames.json', 'agent.json'];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null || path.endsWith('/BusMetadata')) return;
      const isNullable = JSON.stringify(node).includes('"null"');
      const needsWords = 'pattern' in node || 'oneOf' in node || ('anyOf' in node && !isNullable);
      if (needsWords && !('expects' in node)) silent.push(path);
      for (const [key, value] of Object.entries(node)) if (key !== 'examples') visit(value, `${path}/${key}`);
    };
    for (const document of schemaDocuments.filter(({ $id }) => asked.includes($id))) visit(document, document.$id);
    expect(silent).toEqual([]);
  });
});
