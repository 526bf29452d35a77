// One setting for each key of schemas/config.json: its names, its default, what it takes, and how text becomes a value.
import type { ValidateFunction } from 'ajv';
import type { Config } from '../protocol/types.gen.ts';
import { refOf, schemaDocuments, strictAjv } from '../schema/registry.ts';

export type ConfigKey = keyof Config;

interface PropertySchema {
  description: string;
  $ref?: string;
  type?: 'integer' | 'boolean' | 'string';
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  default?: string | number | boolean;
}

export interface Setting {
  key: ConfigKey;
  /** `AGENT_BUS_DATA_DIR` */
  environmentName: string;
  /** `--data-dir` */
  flagName: string;
  kind: 'integer' | 'boolean' | 'string' | 'choice' | 'duration';
  description: string;
  /** As the schema has it, durations as text; absent where there is none. */
  default?: string | number | boolean;
  /** Goes after "must be". */
  expected: string;
  /** Whether a value, not text, is one that the schema takes. */
  accepts(value: unknown): boolean;
}

export const environmentPrefix = 'AGENT_BUS_';

const configSchema = schemaDocuments.find(({ definitions }) => definitions.Config)?.definitions.Config as {
  properties: Record<ConfigKey, PropertySchema>;
};

/** In the order of the schema. */
export const settings: readonly Setting[] = Object.entries(configSchema.properties).map(([key, schema]) =>
  createSetting(key as ConfigKey, schema),
);

function createSetting(key: ConfigKey, schema: PropertySchema): Setting {
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const kind = schema.$ref ? 'duration' : schema.enum ? 'choice' : (schema.type ?? 'string');
  let validate: ValidateFunction | undefined;
  return {
    key,
    environmentName: environmentPrefix + words.replaceAll('-', '_').toUpperCase(),
    flagName: `--${words}`,
    kind,
    description: schema.description,
    ...(schema.default !== undefined && { default: schema.default }),
    expected: expectation(kind, schema),
    accepts(value) {
      validate ??= strictAjv.compile({ $ref: `${refOf('Config')}/properties/${key}` });
      return validate(value);
    },
  };
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
    case 'string':
      return `a text of ${schema.minLength} to ${schema.maxLength} characters${schema.pattern ? ` matching ${schema.pattern}` : ''}`;
  }
}

/** What text from the environment or a flag stands for; text that stands for nothing of this kind is left as it is. */
export function readText(kind: Setting['kind'], text: string): unknown {
  if (kind === 'boolean') {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
  }
  if ((kind === 'integer' || kind === 'duration') && /^(0|[1-9][0-9]{0,15})$/.test(text)) return Number(text);
  return text;
}
