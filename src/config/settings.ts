// One setting for each key of a schema, as of schemas/config.json: its names, its default, what it takes, and how text becomes a value.
import type { ValidateFunction } from 'ajv';
import type { Config, SessionManagerConfig } from '../protocol/types.gen.ts';
import { refOf, schemaDocuments, strictAjv, validationError } from '../schema/registry.ts';

export type ConfigKey = keyof Config;

interface PropertySchema {
  description: string;
  $ref?: string;
  type?: 'integer' | 'boolean' | 'string' | 'object' | 'array';
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  /** What a text must be made of, in words. */
  expects?: string;
  default?: string | number | boolean | object;
}

export interface Setting<Key extends string = ConfigKey> {
  key: Key;
  /** `AGENT_BUS_DATA_DIR` */
  environmentName: string;
  /** `--data-dir` */
  flagName: string;
  kind: 'integer' | 'boolean' | 'string' | 'choice' | 'duration' | 'json' | 'list';
  description: string;
  /** Never shown. */
  isSecret: boolean;
  /** As the schema has it, durations and JSON as text; absent where there is none. */
  default?: string | number | boolean;
  /** Goes after "must be". */
  expected: string;
  /** Whether a value, not text, is one that the schema takes. */
  accepts(value: unknown): boolean;
  /** The place inside of a JSON value that is wrong, and why, without showing what stands there: it may be a secret. */
  explain(value: unknown): string;
}

/** Their values are never shown. */
const secretKeys: ReadonlySet<string> = new Set<ConfigKey>(['apiKey', 'encryptionKey', 'jwtSecret']);

export const environmentPrefix = 'AGENT_BUS_';

/** Of a bus, in the order of the schema. */
export const settings = settingsOf<ConfigKey>('Config');

const sharedKeys = [
  'maxSessions',
  'maxChatsPerSession',
  'sessionTimeout',
  'retention',
  'autoAdvance',
  'chatHistoryLimit',
  'chatHistoryBytes',
  'chatTimeout',
] as const satisfies ConfigKey[];

/** Those that a session manager without a bus has in common with a bus. */
export type SharedKey = (typeof sharedKeys)[number];

/** Of a session manager without a bus. */
export const sessionSettings: readonly Setting<SharedKey | keyof SessionManagerConfig>[] = [
  ...sharedKeys.flatMap((key) => settings.filter((one): one is Setting<typeof key> => one.key === key)),
  ...settingsOf<keyof SessionManagerConfig>('SessionManagerConfig'),
];

function settingsOf<Key extends string>(definition: string): readonly Setting<Key>[] {
  const [schema] = schemaDocuments.flatMap(({ definitions }) => definitions[definition] ?? []);
  const { properties } = schema as { properties: Record<Key, PropertySchema> };
  return Object.entries<PropertySchema>(properties).map(([key, property]) =>
    createSetting(key as Key, property, `${refOf(definition)}/properties/${key}`),
  );
}

function createSetting<Key extends string>(key: Key, schema: PropertySchema, ref: string): Setting<Key> {
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const kind = kindOf(schema);
  const byDefault = typeof schema.default === 'object' ? JSON.stringify(schema.default) : schema.default;
  let compiled: ValidateFunction | undefined;
  const validate = (value: unknown): ValidateFunction['errors'] => {
    compiled ??= strictAjv.compile({ $ref: ref });
    return compiled(value) ? undefined : (compiled.errors ?? []);
  };
  return {
    key,
    environmentName: environmentPrefix + words.replaceAll('-', '_').toUpperCase(),
    flagName: `--${words}`,
    kind,
    description: schema.description,
    isSecret: secretKeys.has(key),
    ...(byDefault !== undefined && { default: byDefault }),
    expected: expectation(kind, schema),
    accepts: (value) => validate(value) === undefined,
    explain(value) {
      const [fault] = validationError(key, validate(value)).details;
      return fault ? `${fault.path} ${fault.message}`.trim() : '';
    },
  };
}

function kindOf({ $ref, enum: choices, type = 'string' }: PropertySchema): Setting['kind'] {
  if ($ref) return 'duration';
  if (choices) return 'choice';
  if (type === 'object') return 'json';
  return type === 'array' ? 'list' : type;
}

function expectation(kind: Setting['kind'], schema: PropertySchema): string {
  switch (kind) {
    case 'integer':
      return `a whole number from ${schema.minimum} to ${schema.maximum}`;
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${schema.enum?.join(', ')}`;
    case 'duration':
      return 'milliseconds or a whole number with ms, s, m, h or d (`30s`), at most 365d';
    case 'json':
      return 'a JSON object';
    case 'list':
      return `a list of ${schema.expects}, as text with commas`;
    case 'string':
      return `a text of ${schema.minLength} to ${schema.maxLength} characters${schema.expects ? `, ${schema.expects}` : ''}`;
  }
}

/** What text from the environment or a flag stands for; text that stands for nothing of this kind is left as it is. */
export function readText(kind: Setting['kind'], text: string): unknown {
  if (kind === 'boolean') {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
  }
  if (kind === 'json') {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  if ((kind === 'integer' || kind === 'duration') && /^(0|[1-9][0-9]{0,15})$/.test(text)) return Number(text);
  if (kind === 'list') return text.split(',').map((entry) => entry.trim());
  return text;
}
