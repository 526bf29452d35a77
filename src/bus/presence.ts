// Who is here: the open sockets and waiting pulls of each agent, and when it was last seen.

export type Door = 'sockets' | 'pulls';

interface Attendance {
  sockets: number;
  /** Pulls that wait for mail right now. */
  pulls: number;
  /** Milliseconds since the epoch. */
  lastSeenAt: number | undefined;
  /** `lastSeenAt` as text. */
  shown?: { at: number; text: string };
}

export class Presence {
  readonly #attendances = new Map<string, Attendance>();

  ids(): Iterable<string> {
    return this.#attendances.keys();
  }

  isOnline(agentId: string): boolean {
    const attendance = this.#attendances.get(agentId);
    return attendance !== undefined && attendance.sockets + attendance.pulls > 0;
  }

  connections(agentId: string): number {
    return this.#attendances.get(agentId)?.sockets ?? 0;
  }

  /** Milliseconds since the epoch. */
  lastSeenAt(agentId: string): number | undefined {
    return this.#attendances.get(agentId)?.lastSeenAt;
  }

  lastSeenText(agentId: string): string | null {
    const attendance = this.#attendances.get(agentId);
    if (attendance?.lastSeenAt === undefined) return null;
    // Every receipt carries it, and a busy agent is seen many times in a millisecond.
    if (attendance.shown?.at !== attendance.lastSeenAt) {
      attendance.shown = { at: attendance.lastSeenAt, text: new Date(attendance.lastSeenAt).toISOString() };
    }
    return attendance.shown.text;
  }

  seen(agentId: string, at: number | undefined): void {
    this.#of(agentId).lastSeenAt = at;
  }

  /** The returned function is for its end. */
  arrive(agentId: string, door: Door): () => void {
    const attendance = this.#of(agentId);
    attendance[door]++;
    return () => {
      attendance[door]--;
    };
  }

  forget(agentId: string): void {
    this.#attendances.delete(agentId);
  }

  #of(agentId: string): Attendance {
    let attendance = this.#attendances.get(agentId);
    if (!attendance) {
      attendance = { sockets: 0, pulls: 0, lastSeenAt: undefined };
      this.#attendances.set(agentId, attendance);
    }
    return attendance;
  }
}
