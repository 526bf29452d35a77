import { describe, expect, it } from 'vitest';
import { checkedName, nameRules } from '../../../src/core/session/names.ts';
import { schemaDocuments } from '../../../src/schema/registry.ts';

const common = schemaDocuments.find((document) => document.$id === 'common.json')?.definitions;

describe('the rule of a name', () => {
  it.each(Object.entries(nameRules))('%s is that of the schema', (name, rule) => {
    const schema = common?.[name];
    expect(schema).toMatchObject({ type: 'string', maxLength: rule.maxLength });
    expect(new RegExp((schema as { pattern: string }).pattern).source).toBe(rule.pattern.source);
  });

  it('counts characters and not code units', () => {
    expect(checkedName('Role', 'role', '🛠'.repeat(64))).toHaveLength(128);
    expect(() => checkedName('Role', 'role', '🛠'.repeat(65))).toThrow();
  });

  it.each([[undefined], [7], [''], ['a\nb'], ['x'.repeat(129)]])('refuses %j with its path', (value) => {
    expect(() => checkedName('Name', 'participants.0.name', value)).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        details: [expect.objectContaining({ path: '/participants/0/name' })],
      }),
    );
  });
});
