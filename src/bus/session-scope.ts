// Which sessions there are to somebody: whose managers are asked, and whose sessions in them exist.
import { checkedName } from '../core/session/names.ts';
import type { SessionId, UserId, WorkspaceId } from '../protocol/types.gen.ts';
import type { SessionManager } from './session-manager.ts';
import { assertOwnWorkspace, defaultWorkspace } from './workspace-names.ts';

export interface SessionScope {
  /** The managers that are looked through, in this order. */
  managers(): Iterable<SessionManager>;
  /** The manager of a workspace, of its own where none is named. @throws BusError WORKSPACE_FORBIDDEN outside of the scope */
  managerFor(workspaceId: WorkspaceId | undefined): SessionManager;
  /** Sessions of other users, and of nobody, do not exist; new ones are this user's. */
  userId?: UserId | undefined;
  /** Where workspaces are labels: that of new sessions that name none. */
  label?: WorkspaceId;
  /** Whom to tell of a further manager, where there may be one. */
  grows?: (listener: (manager: SessionManager) => void) => void;
}

/** One workspace, and one user of it where one is named. */
export function scopeOf(manager: SessionManager, userId: UserId | undefined): SessionScope {
  return {
    managers: () => [manager],
    managerFor(workspaceId) {
      assertOwnWorkspace(manager.workspaceId, workspaceId);
      return manager;
    },
    userId,
  };
}

/** Workspaces are labels: one names what is new, and keeps nothing out. @throws BusError VALIDATION_FAILED for what is no name of one */
export function labelScope(manager: SessionManager, label: WorkspaceId = defaultWorkspace): SessionScope {
  checkedName('WorkspaceId', 'workspaceId', label);
  return { managers: () => [manager], managerFor: () => manager, label };
}

/** What of it is in one workspace. @throws BusError WORKSPACE_FORBIDDEN outside of the scope */
export function narrowed(scope: SessionScope, workspaceId: WorkspaceId | undefined): SessionScope {
  const manager = scope.managerFor(workspaceId);
  return scope.label === undefined ? scopeOf(manager, scope.userId) : labelScope(manager, workspaceId);
}

/** Also of a session that is just being deleted: whoever had it is told of that. */
export function owns({ userId }: SessionScope, manager: SessionManager, sessionId: SessionId): boolean {
  const owner = manager.userOf(sessionId);
  return owner !== undefined && (userId === undefined || owner === userId);
}
