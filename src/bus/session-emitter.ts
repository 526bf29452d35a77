// Hands events out in order, as copies, and keeps what a listener throws away from the caller.
import { EventEmitter } from 'node:events';
import type { GuardTrip } from '../core/guards/guard.ts';
import { copyJson } from '../core/json/copy.ts';
import type { SessionEvent, SessionId, WorkspaceId } from '../protocol/types.gen.ts';
import type { AboutSession, SessionManagerEvents } from './session-milestones.ts';

type Listener = (payload: unknown) => void;

export class SessionEmitter extends EventEmitter<SessionManagerEvents> {
  /** The workspace of all its sessions, where workspaces are more than labels. */
  readonly workspaceId: WorkspaceId;
  readonly #queue: (() => void)[] = [];

  constructor(workspaceId: WorkspaceId) {
    super();
    this.workspaceId = workspaceId;
    // Every view of these sessions may listen.
    this.setMaxListeners(0);
  }

  protected emitMilestone(event: SessionEvent): void {
    this.#deliver(event.type, () => {
      const copy = copyJson(event);
      return { ...copy.data, ...this.#about(copy.session_id), event: copy };
    });
  }

  protected emitRecorded(event: SessionEvent): void {
    this.#deliver('recorded', () => copyJson(event));
  }

  /** A guard has refused a message, of a session or of none. */
  emitGuardTripped(trip: GuardTrip): void {
    this.#deliver('guard_tripped', () => ({ ...copyJson(trip), workspaceId: this.workspaceId }));
  }

  /** Also of a session that is just being deleted. */
  workspaceOf(_sessionId: SessionId): WorkspaceId {
    return this.workspaceId;
  }

  protected emitDeleted(sessionId: SessionId): void {
    this.#deliver('session_deleted', () => this.#about(sessionId));
  }

  /** What a listener brings about is delivered after what it was called for. */
  #deliver(name: keyof SessionManagerEvents, payload: () => unknown): void {
    if (this.listenerCount(name) === 0) return;
    this.#queue.push(() => callListeners(this, name, payload()));
    if (this.#queue.length > 1) return;
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      next();
      this.#queue.shift();
    }
  }

  #about(sessionId: SessionId): AboutSession {
    return { sessionId, session_id: sessionId, workspaceId: this.workspaceOf(sessionId) };
  }
}

/** A fault in an observer is neither the caller's nor the next observer's. */
export function callListeners(
  emitter: EventEmitter<SessionManagerEvents>,
  name: keyof SessionManagerEvents,
  payload: unknown,
): void {
  for (const listener of emitter.rawListeners(name)) {
    try {
      Reflect.apply(listener as Listener, emitter, [payload]);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
