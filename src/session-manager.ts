// Sessions and chats of a program that runs no bus: in memory, there at once, gone with the program.
import { SessionLimit } from './bus/session-limit.ts';
import { SessionManager as Sessions } from './bus/session-manager.ts';
import { labelScope, type SessionScope } from './bus/session-scope.ts';
import { SessionsView } from './bus/sessions-view.ts';
import { defaultWorkspace } from './bus/workspace-names.ts';
import { configError } from './config/resolve.ts';
import { resolveSessionOptions, type SessionConfigOptions } from './config/session-config.ts';
import { checkedName } from './core/session/names.ts';
import { systemClock } from './ports/clock.ts';
import type { ModelProvider } from './ports/model-provider.ts';
import { newId } from './protocol/ids.ts';
import type { WorkspaceId } from './protocol/types.gen.ts';
import { MemorySessionLog } from './store/memory-session-log.ts';
import { AgentTemplates } from './templates/agent-templates.ts';
import { createChatModels } from './templates/chat-models.ts';
import { withOwnProviders } from './templates/own-providers.ts';

export interface SessionManagerOptions extends SessionConfigOptions {
  /** What chats can be made from; the built-in ones where left out. */
  templates?: AgentTemplates | undefined;
  /** What every chat finds by name; one may bring its own. */
  aiProviders?: readonly ModelProvider[] | undefined;
}

/** Events of a session that are remembered, at least. */
const keptEvents = 1000;
/** That of a task without an envelope, as on a bus. */
const defaultTaskTimeoutMs = 300_000;

/** The sessions of each workspace, made when it is first named. */
class Workspaces {
  readonly #all = new Map<WorkspaceId, Sessions>();
  readonly #makeSessions: (workspaceId: WorkspaceId) => Sessions;
  #onGrowth: (sessions: Sessions) => void = () => undefined;
  #closed = false;

  constructor(makeSessions: (workspaceId: WorkspaceId) => Sessions) {
    this.#makeSessions = makeSessions;
    // It comes first: where a session is named only, that of the default workspace is meant.
    this.#add(defaultWorkspace);
  }

  get scope(): SessionScope {
    return {
      managers: () => this.#all.values(),
      managerFor: (workspaceId = defaultWorkspace) => this.#all.get(workspaceId) ?? this.#add(workspaceId),
      grows: (listener) => {
        this.#onGrowth = listener;
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all.values()].map((sessions) => sessions.close()));
  }

  #add(workspaceId: WorkspaceId): Sessions {
    const sessions = this.#makeSessions(checkedName('WorkspaceId', 'workspaceId', workspaceId));
    if (this.#closed) void sessions.close();
    this.#all.set(workspaceId, sessions);
    this.#onGrowth(sessions);
    return sessions;
  }
}

/** @throws BusError CONFIG_INVALID naming each option that is wrong */
function createScope(options: SessionManagerOptions): { scope: SessionScope; close: () => Promise<void> } {
  const { templates = new AgentTemplates(), aiProviders = [], ...given } = options;
  const { sessionTimeout, retention, chatTimeout, maxSessions, enableWorkspaceIsolation, ...rest } =
    resolveSessionOptions(given);
  if (!(templates instanceof AgentTemplates)) {
    throw configError([{ path: '/templates', message: 'option templates must be an AgentTemplates' }]);
  }
  const chatModels = createChatModels({ templates, providers: withOwnProviders(aiProviders) });
  const sessionLimit = new SessionLimit(maxSessions);
  const workspaces = new Workspaces(
    (workspaceId) =>
      new Sessions({
        ...rest,
        workspaceId,
        workspacesAreLabels: !enableWorkspaceIsolation,
        log: new MemorySessionLog(keptEvents),
        clock: systemClock,
        newId,
        chatModels,
        sessionLimit,
        defaultTaskTimeoutMs,
        sessionTimeoutMs: sessionTimeout,
        retentionMs: retention,
        chatTimeoutMs: chatTimeout,
      }),
  );
  const { scope } = workspaces;
  return {
    scope: enableWorkspaceIsolation ? scope : labelScope(scope.managerFor(undefined)),
    close: () => workspaces.close(),
  };
}

/** A session manager without a bus: no port, no disk, and no timer that keeps the process alive. */
class StandaloneSessionManager extends SessionsView {
  readonly #close: () => Promise<void>;

  /** @throws BusError CONFIG_INVALID naming each option that is wrong */
  constructor(options: SessionManagerOptions = {}) {
    const { scope, close } = createScope(options);
    super(scope);
    this.#close = close;
  }

  /** Refuses further changes, and ends the turns that are under way with SHUTTING_DOWN. Twice is once. */
  close(): Promise<void> {
    return this.#close();
  }
}

/** That of a bus, and those that are made with `new`: a function that takes one takes either. */
export type SessionManager = SessionsView;
export const SessionManager = StandaloneSessionManager;
export type { StandaloneSessionManager };
