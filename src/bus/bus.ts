// The bus as the doors see it: who is asking, and the workspace that they ask in.
import { checkedName } from '../core/session/names.ts';
import type { LedgerEntry } from '../ports/mailbox-store.ts';
import type { Store } from '../ports/store.ts';
import { newId } from '../protocol/ids.ts';
import { AccessWatch } from './access-watch.ts';
import { type Counters, createCounters } from './counters.ts';
import { Credentials } from './credentials.ts';
import { type Authenticate, type Authenticator, createAuthenticator, type Principal } from './identity.ts';
import { KeyRing } from './key-ring.ts';
import { Partitions } from './partitions.ts';
import { RateLimit } from './rate-limit.ts';
import { type AdmitIn, createRates, type RateLimits } from './rates.ts';
import { SessionLimit } from './session-limit.ts';
import { scopeOf } from './session-scope.ts';
import { SessionsView } from './sessions-view.ts';
import { Workspace, type WorkspaceOptions } from './workspace.ts';
import { assertOwnWorkspace, defaultWorkspace, unscope } from './workspace-names.ts';

/** What every workspace is given by the bus. */
type Given = 'workspaceId' | 'store' | 'credentials' | 'counters' | 'admitIn' | 'sessionLimit';

export interface BusOptions extends Omit<WorkspaceOptions, Given>, RateLimits {
  store: Store;
  apiKey: string;
  /** Further kinds of credentials, asked behind the bus key, workspace keys and agents' tokens. */
  authenticators?: readonly Authenticator[];
  /** Requests, envelopes and other frames per key and second; 0 is no limit. */
  rateLimit: number;
  /** Most active sessions of all workspaces together; no limit where left out or 0. */
  maxSessions?: number;
}

export class Bus {
  /** Of all workspaces. */
  readonly sessions: SessionsView;
  readonly counters: Counters = createCounters();
  readonly authenticate: Authenticate;
  readonly rateLimit: RateLimit;
  readonly keys: KeyRing;
  /** What is to end with its credential. */
  readonly access: AccessWatch;
  readonly #options: BusOptions;
  readonly #partitions: Partitions;
  readonly #credentials: Credentials;
  readonly #admitIn: AdmitIn;
  readonly #sessionLimit: SessionLimit;
  readonly #workspaces = new Map<string, Workspace>();
  #onWorkspace: (workspace: Workspace) => void = () => undefined;
  #draining = false;
  #closed = false;

  /** Loads what the store remembers and takes mail from then on; where it cannot, no timer is left. */
  static async open(options: BusOptions): Promise<Bus> {
    const bus = new Bus(options, await Partitions.open(options.store));
    try {
      await bus.#load();
      return bus;
    } catch (error) {
      await bus.close();
      throw error;
    }
  }

  private constructor(options: BusOptions, partitions: Partitions) {
    this.#options = options;
    this.#partitions = partitions;
    this.sessions = new SessionsView({
      managers: () => [...this.#workspaces.values()].map(({ sessions }) => sessions),
      managerFor: (workspaceId = defaultWorkspace) => this.workspace(workspaceId).sessions,
      grows: (listener) => {
        this.#onWorkspace = ({ sessions }) => listener(sessions);
      },
    });
    const { store, clock } = options;
    const credentials = new Credentials(clock);
    this.#credentials = credentials;
    this.keys = new KeyRing({ store: store.keys, clock, newId: options.newId ?? newId, credentials });
    this.access = new AccessWatch(clock);
    this.authenticate = createAuthenticator({
      apiKey: options.apiKey,
      authenticators: [(secret) => credentials.find(secret), ...(options.authenticators ?? [])],
    });
    this.#admitIn = createRates(options);
    this.#sessionLimit = new SessionLimit(options.maxSessions);
    this.rateLimit = new RateLimit(options.rateLimit, options.clock);
  }

  /** One that nobody has used yet is made, empty. @throws BusError VALIDATION_FAILED for what is no name of one */
  workspace(workspaceId: string): Workspace {
    return this.#workspaces.get(workspaceId) ?? this.#create(workspaceId);
  }

  /** The one workspace of a key; an operator may name any. @throws BusError WORKSPACE_FORBIDDEN, VALIDATION_FAILED */
  workspaceFor({ workspaceId: own }: Principal, named: string | undefined): Workspace {
    if (own !== undefined) assertOwnWorkspace(own, named);
    return this.workspace(named ?? own ?? defaultWorkspace);
  }

  /** The sessions that there are to a key: all of them to an operator who names no workspace. @throws as `workspaceFor` */
  sessionsFor(principal: Principal, named: string | undefined): SessionsView {
    const { workspaceId, userId } = principal;
    if (workspaceId === undefined && named === undefined && userId === undefined) return this.sessions;
    return new SessionsView(scopeOf(this.workspaceFor(principal, named).sessions, userId));
  }

  /** Nothing is accepted and nothing offered from now on; what is under way ends. */
  drain(): void {
    this.#draining = true;
    for (const workspace of this.#workspaces.values()) workspace.drain();
  }

  /** After the doors are closed: the sessions are settled, no timer is left. The store is its owner's to close. */
  async close(): Promise<void> {
    this.drain();
    this.#closed = true;
    this.access.close();
    await Promise.all([...this.#workspaces.values()].map((workspace) => workspace.close()));
  }

  async #load(): Promise<void> {
    const { store, onError } = this.#options;
    // The default one comes first: where an operator names a session only, that of the default workspace is meant.
    for (const workspaceId of new Set([defaultWorkspace, ...this.#partitions.workspaceIds])) {
      this.#add(workspaceId, await Workspace.open(this.#optionsOf(workspaceId)));
    }
    // In this order: what an earlier run left undecided may go to an agent that only its store knows.
    store.mailboxes.listen({
      mail: (stored) => {
        const { workspaceId, name } = unscope(stored);
        this.workspace(workspaceId).mail(name);
      },
      damaged: (_messageId, error) => onError(error),
      retried: (entry) => this.#homeOf(entry).retried(entry),
      exhausted: (entry, reason) => this.#homeOf(entry).exhausted(entry, reason),
    });
    for (const workspace of this.#workspaces.values()) await workspace.resume();
    await this.keys.load();
  }

  #create(workspaceId: string): Workspace {
    checkedName('WorkspaceId', 'workspaceId', workspaceId);
    return this.#add(workspaceId, Workspace.create(this.#optionsOf(workspaceId)));
  }

  #add(workspaceId: string, workspace: Workspace): Workspace {
    if (this.#draining) workspace.drain();
    if (this.#closed) void workspace.sessions.close();
    this.#workspaces.set(workspaceId, workspace);
    this.#onWorkspace(workspace);
    return workspace;
  }

  #homeOf({ mailbox }: LedgerEntry): Workspace {
    return this.workspace(unscope(mailbox).workspaceId);
  }

  #optionsOf(workspaceId: string): WorkspaceOptions {
    return {
      ...this.#options,
      credentials: this.#credentials,
      counters: this.counters,
      admitIn: this.#admitIn,
      sessionLimit: this.#sessionLimit,
      workspaceId,
      store: this.#partitions.of(workspaceId),
    };
  }
}
