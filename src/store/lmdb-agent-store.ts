// Registered agents in LMDB.
import type { AgentRecord, AgentStore } from '../ports/agent-store.ts';
import type { GroupCommit } from './group-commit.ts';
import { type LmdbEnvironment, type Table, unwatched } from './lmdb-environment.ts';
import { seal, unseal } from './sealed.ts';

export class LmdbAgentStore implements AgentStore {
  readonly #agents: Table;
  readonly #commit: GroupCommit;

  constructor({ table }: LmdbEnvironment, commit: GroupCommit) {
    this.#agents = table('agents');
    this.#commit = commit;
  }

  async put(agentId: string, record: AgentRecord): Promise<void> {
    const group = this.#commit.join();
    const sealed = seal(JSON.stringify(record));
    group.write(() => unwatched(this.#agents.put(agentId, sealed)));
    await group.done;
  }

  async remove(agentId: string): Promise<void> {
    const group = this.#commit.join();
    group.write(() => unwatched(this.#agents.remove(agentId)));
    await group.done;
  }

  async all(): Promise<[string, AgentRecord][]> {
    return [...this.#agents.getRange({})].map(({ key, value }) => [
      String(key),
      JSON.parse(unseal(value, `of agent ${String(key)}`)) as AgentRecord,
    ]);
  }
}
