// A key as the outside sees it: everything but what it is used with.
import { liveSecrets } from '../core/keys/secrets.ts';
import type { KeyRecord } from '../ports/key-store.ts';
import type { Key } from '../protocol/types.gen.ts';

export function keyView(record: KeyRecord, now: number): Key {
  const { keyId, name, workspaceId, userId, agentId, scopes, createdAt, expiresAt, secrets } = record;
  return {
    key_id: keyId,
    ...(name !== undefined && { name }),
    workspace_id: workspaceId,
    ...(userId !== undefined && { user_id: userId }),
    ...(agentId !== undefined && { agent_id: agentId }),
    scopes: [...scopes],
    created_at: timestamp(createdAt),
    expires_at: expiresAt === undefined ? null : timestamp(expiresAt),
    secrets: liveSecrets(secrets, now).map((secret) => ({
      hint: secret.hint,
      created_at: timestamp(secret.createdAt),
      ends_at: secret.endsAt === undefined ? null : timestamp(secret.endsAt),
    })),
  };
}

function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
