// Keys as people read them: one line each, in columns.
import type { Key } from '../protocol/types.gen.ts';

const columns = ['KEY', 'WORKSPACE', 'USER', 'AGENT', 'SCOPES', 'EXPIRES', 'SECRETS', 'NAME'] as const;

export function keyTable(keys: readonly Key[]): string {
  const rows = [columns, ...keys.map(cells)];
  const widths = columns.map((_name, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** What was made. */
export function keyLine({ key_id, workspace_id, user_id, agent_id, scopes, expires_at }: Key): string {
  const whose = [user_id && ` of user ${user_id}`, agent_id && ` for ${agent_id}`].filter(Boolean).join('');
  return `${key_id}: workspace ${workspace_id}${whose}; ${scopes.join(', ')}; expires ${expires_at ?? 'never'}`;
}

function cells({
  key_id,
  workspace_id,
  user_id = '-',
  agent_id = '-',
  scopes,
  expires_at,
  secrets,
  name = '',
}: Key): string[] {
  const hints = secrets.map(({ hint, ends_at }) => (ends_at === null ? hint : `${hint} until ${ends_at}`));
  return [key_id, workspace_id, user_id, agent_id, scopes.join(','), expires_at ?? 'never', hints.join(', '), name];
}
