import { describe, expect, it } from 'vitest';
import { refOf, schemaDocuments, strictAjv, validatorOf } from '../../src/schema/registry.ts';

describe('every schema', () => {
  for (const document of schemaDocuments) {
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
