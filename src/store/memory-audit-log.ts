// The audit log of a bus without persistence.
import type { AuditLog, AuditRecord, KeptRecord } from '../ports/audit-log.ts';

export class MemoryAuditLog implements AuditLog {
  #first = 1;
  readonly #records: AuditRecord[] = [];

  // Nothing damages it.
  listen(): void {}

  async append(record: AuditRecord): Promise<void> {
    this.#records.push({ ...record });
  }

  async readBefore(place: number, limit: number): Promise<KeptRecord[]> {
    const end = Math.max(0, Math.min(this.#records.length, place - this.#first));
    const start = Math.max(0, end - limit);
    const found = this.#records.slice(start, end);
    return found.map((record, index) => ({ place: this.#first + start + index, record: { ...record } })).reverse();
  }

  async trim(at: number, keep: number, limit: number): Promise<number> {
    const tooMany = this.#records.length - keep;
    const kept = this.#records.findIndex((record, index) => index >= limit || (index >= tooMany && record.at >= at));
    // As on disk, the last one stays.
    const count = kept < 0 ? Math.max(0, this.#records.length - 1) : kept;
    this.#records.splice(0, count);
    this.#first += count;
    return count;
  }
}
