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

/** A program may hold many servers; each schema is compiled once for all of them. */
function cachedCompiler(ajv: Ajv): (schema: object) => ValidateFunction {
  const compiled = new Map<string, ValidateFunction>();
  return (schema) => {
    const text = JSON.stringify(schema);
    const validate = compiled.get(text) ?? ajv.compile(schema);
    compiled.set(text, validate);
    return validate;
  };
}

const compileStrict = cachedCompiler(strictAjv);
const compileCoercing = cachedCompiler(coercingAjv);

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
