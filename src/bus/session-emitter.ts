// Hands events out in order, as copies, and keeps what a listener throws away from the caller.
import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import type { GuardTrip } from '../core/guards/guard.ts';
import { copyJson } from '../core/json/copy.ts';
import type { SessionEvent, SessionId, WorkspaceId } from '../protocol/types.gen.ts';
import type { AboutSession, SessionManagerEvents } from './session-milestones.ts';

type Listener = (payload: unknown) => unknown;

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

/** A fault in an observer is neither the caller's nor the next observer's, and what one of them does to its copy is its own. */
export function callListeners(
  emitter: EventEmitter<SessionManagerEvents>,
  name: keyof SessionManagerEvents,
  payload: unknown,
): void {
  const listeners = emitter.rawListeners(name);
  for (const [index, listener] of listeners.entries()) {
    const own = index < listeners.length - 1 ? copyJson(payload) : payload;
    try {
      const done: unknown = Reflect.apply(listener as Listener, emitter, [own]);
      if (done instanceof Promise) done.catch(warn);
    } catch (error) {
      warn(error);
    }
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : inspect(error));
}
