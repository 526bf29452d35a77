// The bus as the doors see it: agents, messages, sessions, and receivers that come and go.
import type { Clock } from '../ports/clock.ts';
import type { MailboxEvents } from '../ports/mailbox-store.ts';
import type { Store } from '../ports/store.ts';
import { newId } from '../protocol/ids.ts';
import { Addressing } from './addressing.ts';
import { AgentDirectory } from './agents.ts';
import { followCancellations } from './cancellations.ts';
import { type Counters, createCounters } from './counters.ts';
import { Dispatcher, type Receiver } from './dispatcher.ts';
import { Heartbeats, type LiveReceiver } from './heartbeats.ts';
import { type Authenticate, createAuthenticator } from './identity.ts';
import { MailboxAccess } from './mailbox-access.ts';
import { MessageIntake } from './message-intake.ts';
import { MessageService } from './messages.ts';
import { Participation } from './participation.ts';
import { RateLimit } from './rate-limit.ts';
import { Replies } from './replies.ts';
import { SessionManager } from './session-manager.ts';
import { Undeliverable } from './undeliverable.ts';

export interface BusOptions {
  store: Store;
  clock: Clock;
  apiKey: string;
  /** All durations in milliseconds. */
  messageTimeoutMs: number;
  ackTimeoutMs: number;
  offlineGraceMs: number;
  sessionTimeoutMs: number;
  retentionMs: number;
  autoAdvance: boolean;
  /** Requests and envelopes per key and second; 0 is no limit. */
  rateLimit: number;
  /** Told of what went wrong behind the answers. */
  onError: (error: unknown) => void;
}

/** A socket: takes offers from its mailbox, and heartbeats beside it. */
export interface SocketReceiver extends Receiver, LiveReceiver {
  /** These were acked through another door: they take no room any more. */
  settled(messageIds: readonly string[]): void;
}

export class Bus {
  readonly agents: AgentDirectory;
  readonly messages: MessageService;
  readonly access: MailboxAccess;
  readonly sessions: SessionManager;
  readonly counters: Counters;
  readonly authenticate: Authenticate;
  readonly rateLimit: RateLimit;
  readonly #intake: MessageIntake;
  readonly #dispatcher: Dispatcher;
  readonly #mailEvents: MailboxEvents;
  readonly #sockets = new Map<string, SocketReceiver[]>();

  /** Loads what the store remembers and takes mail from then on. */
  static async open(options: BusOptions): Promise<Bus> {
    const { store, clock } = options;
    const sessions = await SessionManager.open({
      log: store.sessions,
      clock,
      newId,
      sessionTimeoutMs: options.sessionTimeoutMs,
      retentionMs: options.retentionMs,
      autoAdvance: options.autoAdvance,
      defaultTaskTimeoutMs: options.messageTimeoutMs,
    });
    const bus = new Bus(options, sessions);
    // In this order: what an earlier run left undecided may go to an agent that only its store knows.
    await bus.agents.load();
    store.mailboxes.listen(bus.#mailEvents);
    return bus;
  }

  private constructor(options: BusOptions, sessions: SessionManager) {
    const { store, clock, onError } = options;
    const { mailboxes } = store;
    const participation = new Participation(sessions);
    const counters = createCounters();
    const replies = new Replies(clock, mailboxes);
    const agents = new AgentDirectory({
      store: store.agents,
      clock,
      statsOf: (agentId) => mailboxes.stats(agentId),
      isInvolved: (agentId) => participation.has(agentId) || replies.isAwaitedBy(agentId),
    });
    const addressing = new Addressing(agents, options.offlineGraceMs);
    const heartbeats = new Heartbeats(agents, clock, (agentId) => this.#sockets.get(agentId) ?? []);
    const settled = (agentId: string, messageIds: readonly string[]) => {
      for (const socket of this.#sockets.get(agentId) ?? []) socket.settled(messageIds);
    };
    const dispatcher = new Dispatcher(mailboxes, onError);
    const { messageTimeoutMs, ackTimeoutMs } = options;
    const undeliverable = new Undeliverable({
      mailboxes,
      addressing,
      sessions,
      replies,
      counters,
      clock,
      messageTimeoutMs,
    });
    const access = new MailboxAccess({ mailboxes, agents, dispatcher, counters, clock, ackTimeoutMs, settled });
    const intake = new MessageIntake({
      mailboxes,
      agents,
      addressing,
      sessions,
      replies,
      heartbeats,
      counters,
      clock,
      messageTimeoutMs,
      settled,
    });
    this.agents = agents;
    this.sessions = sessions;
    this.counters = counters;
    this.access = access;
    this.messages = new MessageService({ intake, access, mailboxes, sessions, clock });
    this.authenticate = createAuthenticator({
      apiKey: options.apiKey,
      agentOfToken: (token) => agents.agentOfToken(token),
    });
    this.rateLimit = new RateLimit(options.rateLimit, clock);
    this.#intake = intake;
    this.#dispatcher = dispatcher;
    followCancellations(sessions, mailboxes, undeliverable, onError);
    this.#mailEvents = {
      mail: (mailbox) => dispatcher.ring(mailbox),
      exhausted: (entry, reason) => void undeliverable.decide(entry, reason).catch(onError),
    };
  }

  /** A socket begins to take mail; the returned function is for its end and puts back what it has not acked. */
  connect(socket: SocketReceiver): () => void {
    const { agentId } = socket;
    const gone = this.agents.arrive(agentId, 'sockets');
    this.#sockets.set(agentId, [...(this.#sockets.get(agentId) ?? []), socket]);
    this.#dispatcher.add(socket);
    return () => {
      const others = (this.#sockets.get(agentId) ?? []).filter((other) => other !== socket);
      if (others.length > 0) this.#sockets.set(agentId, others);
      else this.#sockets.delete(agentId);
      this.#dispatcher.remove(socket);
      gone();
    };
  }

  /** A receiver has room again. */
  ring(agentId: string): void {
    this.#dispatcher.ring(agentId);
  }

  /** Nothing is accepted and nothing offered from now on; what is under way ends. */
  drain(): void {
    this.#intake.close();
    this.#dispatcher.stop();
  }

  /** After the doors are closed: the sessions are settled, no timer is left. The store is its owner's to close. */
  async close(): Promise<void> {
    this.drain();
    await this.sessions.close();
  }
}
