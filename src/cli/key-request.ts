// `agent-bus keys ...`: from what was typed to what is asked of the bus.
import { UsageError } from './arguments.ts';

export interface KeyRequest {
  action: 'create' | 'list' | 'rotate' | 'revoke';
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: object;
}

type Flags = Readonly<Record<string, string>>;

/** Which flags each takes. */
const flagsOfAction: Readonly<Record<KeyRequest['action'], readonly string[]>> = {
  create: ['--name', '--workspace', '--user', '--agent', '--scopes', '--expires-in'],
  list: ['--workspace'],
  rotate: ['--overlap'],
  revoke: [],
};

const actions = Object.keys(flagsOfAction) as KeyRequest['action'][];

/** @throws UsageError; whether values are right the bus says. */
export function keyRequestOf(operands: readonly string[], flags: Flags): KeyRequest {
  const [word, keyId, ...rest] = operands;
  const action = actions.find((one) => one === word);
  if (!action) throw new UsageError(`keys needs one of ${actions.join(', ')}${word ? `, not ${word}` : ''}`);
  const needsId = action === 'rotate' || action === 'revoke';
  if (needsId !== (keyId !== undefined) || rest.length > 0) {
    throw new UsageError(needsId ? `keys ${action} needs one key id` : `keys ${action} takes no words`);
  }
  for (const name of Object.keys(flags)) {
    if (!flagsOfAction[action].includes(name)) throw new UsageError(`keys ${action} takes no ${name}`);
  }
  const path = `/keys/${encodeURIComponent(keyId ?? '')}`;
  switch (action) {
    case 'create':
      return { action, method: 'POST', path: '/keys', body: newKeyOf(flags) };
    case 'list': {
      const query = new URLSearchParams({
        limit: '1000',
        ...(flags['--workspace'] !== undefined && { workspace_id: flags['--workspace'] }),
      });
      return { action, method: 'GET', path: `/keys?${query}` };
    }
    case 'rotate':
      return {
        action,
        method: 'POST',
        path: `${path}/rotate`,
        body: flags['--overlap'] === undefined ? {} : { overlap: flags['--overlap'] },
      };
    case 'revoke':
      return { action, method: 'DELETE', path };
  }
}

const fields = {
  '--name': 'name',
  '--workspace': 'workspace_id',
  '--user': 'user_id',
  '--agent': 'agent_id',
  '--scopes': 'scopes',
  '--expires-in': 'expires_in',
} as const;

function newKeyOf(flags: Flags): object {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([flag, field]) => {
      const value = flags[flag];
      if (value === undefined) return [];
      return [[field, field === 'scopes' ? value.split(',').map((scope) => scope.trim()) : value]];
    }),
  );
}
