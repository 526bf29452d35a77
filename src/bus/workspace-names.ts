// How the names of a workspace's agents, sessions and messages are told from those of another in one store.
import { BusError } from '../protocol/errors.ts';

/** Where everything lies that names no workspace. */
export const defaultWorkspace = 'default';

/** No id of any kind may contain it. */
const separator = '|';

export interface ScopedName {
  workspaceId: string;
  name: string;
}

/**
 * Names of the default workspace are stored as they are: a bus that has no other pays nothing.
 * @throws BusError VALIDATION_FAILED for what could be read as a name of another workspace
 */
export function scope(workspaceId: string, name: string): string {
  if (name.includes(separator)) throw new BusError('VALIDATION_FAILED', `${name} is no id: it contains ${separator}.`);
  return workspaceId === defaultWorkspace ? name : workspaceId + separator + name;
}

export function unscope(stored: string): ScopedName {
  const at = stored.indexOf(separator);
  if (at < 0) return { workspaceId: defaultWorkspace, name: stored };
  return { workspaceId: stored.slice(0, at), name: stored.slice(at + separator.length) };
}

/** @throws BusError WORKSPACE_FORBIDDEN where another one than its own is named */
export function assertOwnWorkspace(own: string, named: string | undefined): void {
  if (named === undefined || named === own) return;
  throw new BusError('WORKSPACE_FORBIDDEN', `There is only the workspace ${own} here; name that one or none.`);
}
