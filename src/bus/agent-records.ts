// What is kept of the agents of a workspace: their descriptors, whose they are, and their tokens.
import { agentScopes, allows, type Grant, scopesWithin } from '../core/keys/grant.ts';
import { liveSecrets, replaceSecret, type Secret } from '../core/keys/secrets.ts';
import type { AgentRecord, AgentStore } from '../ports/agent-store.ts';
import type { Clock } from '../ports/clock.ts';
import { BusError } from '../protocol/errors.ts';
import type { RegisterAgent } from '../protocol/types.gen.ts';
import { type Credentials, newSecret } from './credentials.ts';
import { scope } from './workspace-names.ts';

export interface AgentRecordsDeps {
  workspaceId: string;
  store: AgentStore;
  clock: Clock;
  credentials: Credentials;
}

export class AgentRecords {
  readonly #deps: AgentRecordsDeps;
  readonly #records = new Map<string, AgentRecord>();
  /** Users of deleted agents whose mail is still there. */
  readonly #formerOwners = new Map<string, string>();

  /** Who may not be written to by everybody. */
  readonly #guarded = new Set<string>();

  constructor(deps: AgentRecordsDeps) {
    this.#deps = deps;
  }

  /** Reads what was registered before the last stop. */
  async load(): Promise<void> {
    for (const [agentId, record] of await this.#deps.store.all()) {
      if (!record.isDeleted) this.#remember(agentId, record);
      else if (record.userId !== undefined) this.#formerOwners.set(agentId, record.userId);
    }
  }

  get(agentId: string): AgentRecord | undefined {
    return this.#records.get(agentId);
  }

  has(agentId: string): boolean {
    return this.#records.has(agentId);
  }

  ids(): Iterable<string> {
    return this.#records.keys();
  }

  /** False while everybody may be written to by everybody. */
  get hasContactPolicies(): boolean {
    return this.#guarded.size > 0;
  }

  /** The user who alone has this name, or had it until it was deleted with mail of theirs in its mailbox. */
  ownerOf(agentId: string): string | undefined {
    const record = this.#records.get(agentId);
    return record ? record.userId : this.#formerOwners.get(agentId);
  }

  /**
   * Creates or updates. A token is made where none is good; it may no more than the registrar, and ends with them.
   * @throws BusError FORBIDDEN for an agent of another user
   */
  async register(body: RegisterAgent, registrar: Grant): Promise<string | undefined> {
    const {
      agent_descriptor: descriptor,
      health_check_url: healthCheckUrl,
      status_endpoint: statusEndpoint,
      contact,
    } = body;
    const agentId = descriptor.agent_id;
    const before = this.#records.get(agentId);
    const owner = { userId: this.ownerOf(agentId), wasRegistered: before?.tokens !== undefined };
    const userId = ownerToBe(owner, body.user_id, registrar);
    const live = liveSecrets(before?.tokens ?? [], this.#deps.clock.now());
    const made = live.length > 0 ? undefined : newToken(registrar);
    const scopes = made ? scopesWithin(registrar, agentScopes) : before?.scopes;
    await this.#put(agentId, {
      descriptor: structuredClone(descriptor),
      ...(healthCheckUrl !== undefined && { healthCheckUrl }),
      ...(statusEndpoint !== undefined && { statusEndpoint }),
      ...(contact !== undefined && contact !== 'open' && { contact: structuredClone(contact) }),
      tokens: made ? [made.kept] : live,
      ...(scopes && { scopes }),
      ...(userId !== undefined && { userId }),
      ...(before?.lastSeenAt !== undefined && { lastSeenAt: before.lastSeenAt }),
    });
    return made?.secret;
  }

  /**
   * A new token; the one before goes on for the overlap. Resolves when that is durable.
   * @throws BusError FORBIDDEN where the token may more than the giver; RangeError for an unknown agent
   */
  async rotateToken(agentId: string, giver: Grant, overlapMs: number): Promise<string> {
    const record = this.#records.get(agentId);
    if (!record) throw new RangeError(`no agent ${agentId}`);
    const { tokens = [], scopes = agentScopes } = record;
    const tooMuch = scopes.find((one) => !allows(giver, one));
    if (tooMuch !== undefined) {
      throw new BusError('FORBIDDEN', `The token of ${agentId} has the scope ${tooMuch}, which this key has not.`);
    }
    const { secret, kept } = newToken(giver);
    const now = this.#deps.clock.now();
    await this.#put(agentId, { ...record, scopes, tokens: replaceSecret(tokens, kept, { overlapMs, now }) });
    return secret;
  }

  /** Without a descriptor, and without a token of its own; of the user, where its name is nobody's yet. */
  adopt(agentId: string, newcomer: string | undefined): void {
    const userId = this.ownerOf(agentId) ?? newcomer;
    this.#save(agentId, {
      descriptor: { agent_id: agentId, capabilities: [] },
      ...(userId !== undefined && { userId }),
    });
  }

  wentOffline(agentId: string, lastSeenAt: number): void {
    const record = this.#records.get(agentId);
    if (record) this.#save(agentId, { ...record, lastSeenAt });
  }

  /** Its token ends. `hasMail`: the name stays its user's. Resolves when that is durable. */
  async remove(agentId: string, hasMail: boolean): Promise<void> {
    const record = this.#records.get(agentId);
    if (!record) return;
    const { store, credentials } = this.#deps;
    const { descriptor, tokens, userId } = record;
    this.#records.delete(agentId);
    this.#guarded.delete(agentId);
    credentials.set(this.#holderOf(agentId, record), [], tokens);
    if (userId === undefined || !hasMail) {
      await store.remove(agentId);
    } else {
      this.#formerOwners.set(agentId, userId);
      await store.put(agentId, { descriptor, userId, isDeleted: true });
    }
  }

  async #put(agentId: string, record: AgentRecord): Promise<void> {
    this.#remember(agentId, record);
    await this.#deps.store.put(agentId, record);
  }

  /** Nobody waits for it, and the store reports its own failures. */
  #save(agentId: string, record: AgentRecord): void {
    this.#put(agentId, record).catch(() => undefined);
  }

  #remember(agentId: string, record: AgentRecord): void {
    const before = this.#records.get(agentId)?.tokens;
    this.#records.set(agentId, record);
    if (record.contact) this.#guarded.add(agentId);
    else this.#guarded.delete(agentId);
    this.#formerOwners.delete(agentId);
    this.#deps.credentials.set(this.#holderOf(agentId, record), record.tokens ?? [], before);
  }

  #holderOf(agentId: string, { userId, scopes = agentScopes }: AgentRecord) {
    const { workspaceId } = this.#deps;
    const id = `agent:${scope(workspaceId, agentId)}`;
    return { id, workspaceId, agentId, ...(userId !== undefined && { userId }), scopes };
  }
}

function newToken({ expiresAt }: Grant): { secret: string; kept: Secret } {
  const { secret, hash } = newSecret('abt');
  return { secret, kept: { hash, ...(expiresAt !== undefined && { endsAt: expiresAt }) } };
}

/** Whose an agent is once it is registered: named with the first registration, and then for good, also for nobody. */
function ownerToBe(
  owner: { userId: string | undefined; wasRegistered: boolean },
  named: string | undefined,
  registrar: Grant,
): string | undefined {
  const asked = named ?? registrar.userId;
  if (registrar.userId !== undefined && asked !== registrar.userId) {
    throw new BusError(
      'FORBIDDEN',
      `This key is for the user ${registrar.userId}; leave user_id out or name that one.`,
    );
  }
  if (asked === undefined || asked === owner.userId) return owner.userId;
  if (owner.userId === undefined && !owner.wasRegistered) return asked;
  throw new BusError('FORBIDDEN', 'The user of an agent cannot be changed; delete the agent when it has no mail left.');
}
