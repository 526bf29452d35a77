// Hands on what the managers of a scope emit, as far as the scope goes and somebody listens.
import { EventEmitter } from 'node:events';
import type { SessionId } from '../protocol/types.gen.ts';
import { callListeners } from './session-emitter.ts';
import type { SessionManager } from './session-manager.ts';
import { type SessionManagerEvents, sessionManagerEvents } from './session-milestones.ts';
import { owns, type SessionScope } from './session-scope.ts';

type EventName = keyof SessionManagerEvents;

export class SessionFollower extends EventEmitter<SessionManagerEvents> {
  protected readonly scope: SessionScope;
  /** How to stop listening, by what is listened to: only what somebody listens to here. */
  readonly #followed = new Map<EventName, (() => void)[]>();

  constructor(scope: SessionScope) {
    super();
    this.scope = scope;
    scope.grows?.((manager) => {
      for (const [name, stops] of this.#followed) stops.push(this.#forward(name, manager));
    });
    this.#noteListeners();
  }

  override removeAllListeners(...only: [name?: EventName]): this {
    super.removeAllListeners(...only);
    // Without a name those that note who listens have gone as well.
    if (only.length === 0) this.#noteListeners();
    return this;
  }

  #noteListeners(): void {
    this.on('newListener' as EventName, (name: unknown) => this.#follow(name as EventName));
    this.on('removeListener' as EventName, (name: unknown) => this.#unfollow(name as EventName));
  }

  #follow(name: EventName): void {
    if (this.#followed.has(name) || !sessionManagerEvents.includes(name)) return;
    const stops = [...this.scope.managers()].map((manager) => this.#forward(name, manager));
    this.#followed.set(name, stops);
  }

  #unfollow(name: EventName): void {
    if (this.listenerCount(name) > 0) return;
    for (const stop of this.#followed.get(name) ?? []) stop();
    this.#followed.delete(name);
  }

  #forward(name: EventName, manager: SessionManager): () => void {
    const { userId } = this.scope;
    const forward = (payload: { session_id: SessionId }) => {
      if (userId === undefined || owns(this.scope, manager, payload.session_id)) callListeners(this, name, payload);
    };
    manager.on(name, forward);
    return () => manager.off(name, forward);
  }
}
