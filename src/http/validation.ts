// How Fastify checks what comes in: bodies, params and headers as they are, query strings read as text.
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import type { FastifyInstance } from 'fastify';
import { coercingAjv, strictAjv, validationError } from '../schema/registry.ts';

const subjects: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query string',
  params: 'path',
  headers: 'headers',
};

/** A program may hold many servers; each schema is compiled once for all of them, when the first value is held against it. */
function lazyCompiler(ajv: Ajv): (schema: object) => FastifyValidator {
  const compiled = new Map<string, ValidateFunction>();
  return (schema) => {
    const text = JSON.stringify(schema);
    const check: FastifyValidator = (value) => {
      const validate = compiled.get(text) ?? ajv.compile(schema);
      compiled.set(text, validate);
      const isValid = validate(value);
      check.errors = validate.errors ?? null;
      return isValid;
    };
    return check;
  };
}

/** As Fastify calls it: what was wrong is read from `errors`, in the same turn. */
interface FastifyValidator {
  (value: unknown): boolean;
  errors?: ErrorObject[] | null;
}

const compileStrict = lazyCompiler(strictAjv);
const compileCoercing = lazyCompiler(coercingAjv);

export function useContractSchemas(app: FastifyInstance): void {
  app.setValidatorCompiler<object>(({ schema, httpPart }) =>
    httpPart === 'querystring' ? compileCoercing(schema) : compileStrict(schema),
  );
  // Reply schemas document; they never drop or change a field.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setSchemaErrorFormatter((errors, part) =>
    validationError(subjects[part] ?? part, errors as unknown as ErrorObject[]),
  );
}
