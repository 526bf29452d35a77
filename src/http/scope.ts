// What there is to a request: the workspace that it is in, and the sessions that its key may see.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import type { SessionsView } from '../bus/sessions-view.ts';
import type { Workspace } from '../bus/workspace.ts';
import { BusError } from '../protocol/errors.ts';
import { validationError, validatorOf } from '../schema/registry.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Agents, mailboxes and messages of this request. */
    readonly workspace: Workspace;
    /** The sessions of the workspace, those of the key's user only; every session there is to an operator who names none. */
    readonly sessions: SessionsView;
  }
}

const workspaceHeader = 'x-agent-workspace';

const isWorkspaceId = validatorOf<string>('WorkspaceId');

/** Behind the key: what of the bus a request may use is on the request. @throws BusError WORKSPACE_FORBIDDEN, VALIDATION_FAILED */
export function scopeRequests(app: FastifyInstance, bus: Bus): void {
  app.decorateRequest('workspace', {
    getter(this: FastifyRequest) {
      return bus.workspaceFor(this.principal, namedWorkspace(this));
    },
  });
  app.decorateRequest('sessions', {
    getter(this: FastifyRequest) {
      return bus.sessionsFor(this.principal, namedWorkspace(this));
    },
  });
}

/** What a request names; the bus decides whether its key may. */
export function namedWorkspace({ raw, query }: FastifyRequest): string | undefined {
  const inHeader = checked(`header ${workspaceHeader}`, raw.headers[workspaceHeader]);
  const inQuery = checked('query string', (query as { workspace_id?: unknown }).workspace_id);
  if (inHeader !== undefined && inQuery !== undefined && inHeader !== inQuery) {
    throw new BusError(
      'VALIDATION_FAILED',
      `The header ${workspaceHeader} and the query name two workspaces; name one.`,
    );
  }
  return inHeader ?? inQuery;
}

/** @throws BusError VALIDATION_FAILED */
function checked(where: string, named: unknown): string | undefined {
  if (named === undefined || isWorkspaceId(named)) return named as string | undefined;
  throw validationError(where, isWorkspaceId.errors);
}
