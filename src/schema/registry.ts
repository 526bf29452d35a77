// Loads schemas/ once: a strict validator for bodies and frames, a coercing one for query strings.
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import { BusError, type ErrorDetail } from '../protocol/errors.ts';
import { isDateTime } from './date-time.ts';

const folder = new URL('../../schemas/', import.meta.url);

export interface SchemaDocument {
  $id: string;
  definitions: Record<string, object>;
}

/** The contract as it lies in schemas/, in the order of the file names. */
export const schemaDocuments: readonly SchemaDocument[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as SchemaDocument);

/** Keywords that check nothing: the type that is generated, and in words what a pattern or a choice asks for. */
export const ownKeywords = ['tsType', 'expects'];

function createAjv(options: Options): Ajv {
  const base: Options = { strict: true, strictRequired: false, allErrors: false, allowUnionTypes: true, verbose: true };
  // That the files are schemas is known before a server starts, which would take a tenth longer to see it again.
  const ajv = new Ajv({ ...base, ...options, validateSchema: false });
  // The package is CommonJS: under nodenext its default export is the module.
  ajvFormats.default(ajv, ['date-time', 'uri']);
  ajv.addFormat('date-time', isDateTime);
  ajv.addVocabulary(ownKeywords);
  for (const document of schemaDocuments) ajv.addSchema(document);
  return ajv;
}

/** Never coerces, removes or fills in: what is not valid is refused as it came. */
export const strictAjv = createAjv({ coerceTypes: false, removeAdditional: false, useDefaults: false });
/** Query strings are text; numbers and booleans are read out of them. */
export const coercingAjv = createAjv({ coerceTypes: true, removeAdditional: false, useDefaults: false });

/** Where each definition lives: `Envelope` is `envelope.json#/definitions/Envelope`. */
const refs = new Map<string, string>(
  schemaDocuments.flatMap((document) =>
    Object.keys(document.definitions).map((name) => [name, `${document.$id}#/definitions/${name}`] as const),
  ),
);

/** The `$ref` of a definition. @throws Error for a name that no schema defines: a mistake in the program. */
export function refOf(name: string): string {
  const ref = refs.get(name);
  if (!ref) throw new Error(`no schema defines ${name}`);
  return ref;
}

const compiled = new Map<string, ValidateFunction>();

/** The strict validator of a definition, compiled at the first use. */
export function validatorOf<T>(name: string): ValidateFunction<T> {
  let validate = compiled.get(name);
  if (!validate) {
    validate = strictAjv.compile({ $ref: refOf(name) });
    compiled.set(name, validate);
  }
  return validate as ValidateFunction<T>;
}

/** What is wrong, in words that name the field. That no alternative fits is said only where there is nothing closer. */
function detailsOf(errors: readonly ErrorObject[] | null | undefined): ErrorDetail[] {
  const all = errors ?? [];
  const worded = all.filter((error) => isChoice(error) && expectationOf(error)).map((error) => `${error.schemaPath}/`);
  // What one alternative lacks is no fault of its own where the choice has words.
  const own = all.filter((error) => !worded.some((choice) => error.schemaPath.startsWith(choice)));
  const close = own.filter((error) => !isChoice(error) || expectationOf(error));
  return (close.length > 0 ? close : all).map(detailOf);
}

function isChoice({ keyword }: ErrorObject): boolean {
  return keyword === 'oneOf' || keyword === 'anyOf';
}

/** What the schema says in words, for those who do not read patterns. */
function expectationOf({ parentSchema }: ErrorObject): string | undefined {
  const { expects } = (parentSchema ?? {}) as { expects?: unknown };
  return typeof expects === 'string' ? expects : undefined;
}

/** A refusal is not to be longer than what it refuses. */
const longestName = 128;

function detailOf(error: ErrorObject): ErrorDetail {
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties') {
    const name = String(params.additionalProperty).slice(0, longestName);
    return { path: `${error.instancePath}/${name}`, message: `unknown field ${JSON.stringify(name)}` };
  }
  if (error.keyword === 'enum') {
    return { path: error.instancePath, message: `must be one of ${(params.allowedValues as unknown[]).join(', ')}` };
  }
  if (error.keyword === 'not')
    return { path: error.instancePath, message: 'is written by the bus alone; leave it out' };
  const expectation = error.keyword === 'pattern' || isChoice(error) ? expectationOf(error) : undefined;
  return { path: error.instancePath, message: expectation ?? error.message ?? 'is not valid' };
}

/** The VALIDATION_FAILED error of a validator that just said no. */
export function validationError(subject: string, errors: readonly ErrorObject[] | null | undefined): BusError {
  const details = detailsOf(errors);
  const first = details[0];
  const where = first ? ` ${first.path || '(the whole)'}: ${first.message}.` : '';
  return new BusError('VALIDATION_FAILED', `The ${subject} is not valid.${where}`, { details });
}

/** Checks a value that came from outside. @throws BusError VALIDATION_FAILED naming the first fault. */
export function assertValid<T>(name: string, subject: string, value: unknown): asserts value is T {
  const validate = validatorOf<T>(name);
  if (!validate(value)) throw validationError(subject, validate.errors);
}
