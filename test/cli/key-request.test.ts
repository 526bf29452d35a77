import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/arguments.ts';
import { keyRequestOf } from '../../src/cli/key-request.ts';
import { keyLine, keyTable } from '../../src/cli/key-table.ts';
import type { Key } from '../../src/protocol/types.gen.ts';

describe('what `agent-bus keys` asks for', () => {
  it('is a new key as the flags say', () => {
    const flags = {
      '--workspace': 'team-a',
      '--user': 'u',
      '--agent': 'codex://qa',
      '--scopes': 'send, admin',
      '--expires-in': '90d',
      '--name': 'CI',
    };
    expect(keyRequestOf(['create'], flags)).toEqual({
      action: 'create',
      method: 'POST',
      path: '/keys',
      body: {
        workspace_id: 'team-a',
        user_id: 'u',
        agent_id: 'codex://qa',
        scopes: ['send', 'admin'],
        expires_in: '90d',
        name: 'CI',
      },
    });
    expect(keyRequestOf(['create'], {}).body).toEqual({});
  });

  it('is the list, of all workspaces or of one', () => {
    expect(keyRequestOf(['list'], {})).toEqual({ action: 'list', method: 'GET', path: '/keys?limit=1000' });
    expect(keyRequestOf(['list'], { '--workspace': 'a&b' }).path).toBe('/keys?limit=1000&workspace_id=a%26b');
  });

  it('says what was left empty, so that the bus refuses it: a variable that is not set asks for nothing else', () => {
    expect(keyRequestOf(['list'], { '--workspace': '' }).path).toBe('/keys?limit=1000&workspace_id=');
    expect(keyRequestOf(['rotate', 'key_1'], { '--overlap': '' }).body).toEqual({ overlap: '' });
  });

  it('is another secret, or the end of a key', () => {
    expect(keyRequestOf(['rotate', 'key_1'], { '--overlap': '0s' })).toEqual({
      action: 'rotate',
      method: 'POST',
      path: '/keys/key_1/rotate',
      body: { overlap: '0s' },
    });
    expect(keyRequestOf(['rotate', 'key_1'], {}).body).toEqual({});
    expect(keyRequestOf(['revoke', '../x'], {})).toEqual({ action: 'revoke', method: 'DELETE', path: '/keys/..%2Fx' });
  });

  it.each<[string[], Record<string, string>, string]>([
    [[], {}, 'keys needs one of create, list, rotate, revoke'],
    [['delete'], {}, 'keys needs one of create, list, rotate, revoke, not delete'],
    [['rotate'], {}, 'keys rotate needs one key id'],
    [['revoke', 'a', 'b'], {}, 'keys revoke needs one key id'],
    [['list', 'a'], {}, 'keys list takes no words'],
    [['revoke', 'a'], { '--overlap': '1h' }, 'keys revoke takes no --overlap'],
    [['list'], { '--user': 'u' }, 'keys list takes no --user'],
  ])('is refused: %j %j', (operands, flags, message) => {
    expect(() => keyRequestOf(operands, flags)).toThrow(new UsageError(message));
  });
});

describe('a list of keys', () => {
  const key: Key = {
    key_id: 'key_1',
    workspace_id: 'team-a',
    scopes: ['send', 'sessions'],
    created_at: '2025-02-02T11:00:00.000Z',
    expires_at: null,
    secrets: [
      { hint: 'abw_Zk3q', created_at: '2025-02-02T11:00:00.000Z', ends_at: null },
      { hint: 'abw_9xYz', created_at: '2025-02-01T11:00:00.000Z', ends_at: '2025-02-03T11:00:00.000Z' },
    ],
  };

  it('has a line for each, in columns', () => {
    const other = { ...key, key_id: 'key_20', user_id: 'u', agent_id: 'codex://qa', name: 'CI', secrets: [] };
    expect(keyTable([key, other]).split('\n')).toEqual([
      'KEY     WORKSPACE  USER  AGENT       SCOPES         EXPIRES  SECRETS                                            NAME',
      'key_1   team-a     -     -           send,sessions  never    abw_Zk3q, abw_9xYz until 2025-02-03T11:00:00.000Z',
      'key_20  team-a     u     codex://qa  send,sessions  never                                                       CI',
      '',
    ]);
  });

  it('is its head alone where there is none', () => expect(keyTable([]).split('\n')).toHaveLength(2));

  it('says in one line what was made', () => {
    expect(keyLine({ ...key, user_id: 'u', agent_id: 'codex://qa' })).toBe(
      'key_1: workspace team-a of user u for codex://qa; send, sessions; expires never',
    );
  });
});
