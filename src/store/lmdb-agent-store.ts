// Registered agents in LMDB.
import type { AgentRecord, AgentStore } from '../ports/agent-store.ts';
import type { Table } from './lmdb-environment.ts';
import type { LmdbRows } from './lmdb-rows.ts';
import { seal, unseal } from './sealed.ts';

export const agents = 'agents';

export class LmdbAgentStore implements AgentStore {
  readonly #agents: Table;
  readonly #rows: LmdbRows;

  constructor(table: Table, rows: LmdbRows) {
    this.#agents = table;
    this.#rows = rows;
  }

  async put(agentId: string, record: AgentRecord): Promise<void> {
    await this.#rows.put(agents, agentId, seal(JSON.stringify(record))).done;
  }

  async remove(agentId: string): Promise<void> {
    await this.#rows.put(agents, agentId, undefined).done;
  }

  async all(): Promise<[string, AgentRecord][]> {
    await this.#rows.complete();
    return [...this.#agents.getRange({})].map(({ key, value }) => [
      String(key),
      JSON.parse(unseal(value, `of agent ${String(key)}`)) as AgentRecord,
    ]);
  }
}
