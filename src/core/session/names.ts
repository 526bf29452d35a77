// The texts that name things in a session, held to the same patterns as the schemas.
import { BusError } from '../../protocol/errors.ts';

const id = /^[A-Za-z0-9_.:-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what the pattern keeps out.
const printable = /^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/;

/** By the name of the schema definition; a test holds the two together. */
export const nameRules = {
  AgentId: {
    pattern: /^[a-z][a-z0-9+.-]{0,31}:\/\/[A-Za-z0-9_.:@-]{1,120}$/,
    maxLength: 160,
  },
  Framework: { pattern: /^[A-Za-z][A-Za-z0-9+.-]*$/, maxLength: 32 },
  SessionId: { pattern: id, maxLength: 128 },
  TaskId: { pattern: id, maxLength: 128 },
  ChatId: { pattern: id, maxLength: 100 },
  WorkspaceId: { pattern: id, maxLength: 64 },
  UserId: { pattern: printable, maxLength: 128 },
  Name: { pattern: printable, maxLength: 128 },
  StepName: { pattern: printable, maxLength: 128 },
  Role: { pattern: printable, maxLength: 64 },
} as const;

/** @throws BusError VALIDATION_FAILED that names the path. */
export function checkedName(rule: keyof typeof nameRules, path: string, value: unknown): string {
  const { pattern, maxLength } = nameRules[rule];
  // Schemas count code points: no text has more of them than UTF-16 units.
  if (
    typeof value === 'string' &&
    pattern.test(value) &&
    (value.length <= maxLength || [...value].length <= maxLength)
  ) {
    return value;
  }
  throw invalid(path, `must be a valid ${rule} of at most ${maxLength} characters`);
}

export function invalid(path: string, message: string): BusError {
  return new BusError('VALIDATION_FAILED', `${path} ${message}.`, {
    details: [{ path: `/${path.replaceAll('.', '/')}`, message }],
  });
}
