// One workspace: its agents, messages, sessions, and receivers that come and go. Nothing in it can name what is outside.
import type { Clock } from '../ports/clock.ts';
import type { LedgerEntry } from '../ports/mailbox-store.ts';
import type { Turns } from '../ports/turns.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import { isChatAgent, type NewId, newId } from '../protocol/ids.ts';
import { Addressing } from './addressing.ts';
import { AgentDirectory } from './agents.ts';
import { Answers } from './answers.ts';
import { Background } from './background.ts';
import { Broadcasts } from './broadcasts.ts';
import { Cancellations } from './cancellations.ts';
import { createChatAgents, createChatMail } from './chat-agents.ts';
import type { Counters } from './counters.ts';
import type { Credentials } from './credentials.ts';
import { Departures } from './departures.ts';
import { Dispatcher, type Receiver } from './dispatcher.ts';
import { mayGoOn } from './further-delivery.ts';
import { Guards } from './guards.ts';
import { Heartbeats, type LiveReceiver } from './heartbeats.ts';
import { MailboxAccess } from './mailbox-access.ts';
import { MessageIntake } from './message-intake.ts';
import { MessageService } from './messages.ts';
import { createNotices } from './notices.ts';
import { Participation } from './participation.ts';
import type { Partition } from './partitions.ts';
import type { AdmitIn } from './rates.ts';
import { Receipts } from './receipts.ts';
import { Replies } from './replies.ts';
import { recordRetry } from './retries.ts';
import type { SessionLimit } from './session-limit.ts';
import { SessionManager } from './session-manager.ts';
import type { ChatOptions } from './session-options.ts';
import { createStamps } from './stamp.ts';
import { Undeliverable } from './undeliverable.ts';

export interface WorkspaceOptions extends ChatOptions {
  workspaceId: string;
  store: Partition;
  clock: Clock;
  /** Shared by all workspaces. */
  credentials: Credentials;
  counters: Counters;
  admitIn: AdmitIn;
  sessionLimit: SessionLimit;
  /** Ids with a time in them where left out; no two of all workspaces are the same. */
  newId?: NewId;
  /** Those of the event loop where left out. */
  turns?: Turns;
  /** All durations in milliseconds. */
  messageTimeoutMs: number;
  ackTimeoutMs: number;
  offlineGraceMs: number;
  sessionTimeoutMs: number;
  retentionMs: number;
  autoAdvance: boolean;
  /** Longest chain of messages in reply to each other; 0 is no limit. */
  maxHops: number;
  /** Told of what went wrong behind the answers. */
  onError: (error: unknown) => void;
}

/** A socket: takes offers from its mailbox, and heartbeats beside it. */
export interface SocketReceiver extends Receiver, LiveReceiver {
  /** These were acked through another door: they take no room any more. */
  settled(messageIds: readonly string[]): void;
  /** Ends it, for the reason that the code says. */
  close(code: ErrorCode): void;
}

export class Workspace {
  readonly agents: AgentDirectory;
  readonly messages: MessageService;
  readonly access: MailboxAccess;
  readonly sessions: SessionManager;
  readonly #store: Partition;
  readonly #intake: MessageIntake;
  readonly #dispatcher: Dispatcher;
  readonly #undeliverable: Undeliverable;
  readonly #background: Background;
  readonly #cancellations: Cancellations;
  readonly #departures: Departures;
  readonly #settleChatMail: (agentId: string) => Promise<void>;
  readonly #sockets = new Map<string, SocketReceiver[]>();

  /** With what an earlier run left in it; `resume` when its mail is listened to. @throws BusError STORE_FAILED, STORE_UNREADABLE */
  static async open(options: WorkspaceOptions): Promise<Workspace> {
    const sessions = createSessions(options);
    try {
      await sessions.load();
      const workspace = new Workspace(options, sessions);
      await workspace.agents.load();
      return workspace;
    } catch (error) {
      await sessions.close();
      throw error;
    }
  }

  /** One that nothing is stored of. */
  static create(options: WorkspaceOptions): Workspace {
    return new Workspace(options, createSessions(options));
  }

  private constructor(options: WorkspaceOptions, sessions: SessionManager) {
    const { workspaceId, store, clock, credentials, counters, onError, newId: nextId = newId } = options;
    const { mailboxes } = store;
    const participation = new Participation(sessions);
    const replies = new Replies(clock, mailboxes, nextId);
    const agents = new AgentDirectory({
      workspaceId,
      credentials,
      store: store.agents,
      clock,
      statsOf: (agentId) => mailboxes.stats(agentId),
      isInvolved: (agentId, userId) => participation.has(agentId, userId) || replies.isAwaitedBy(agentId),
    });
    const addressing = new Addressing(agents, options.offlineGraceMs);
    const heartbeats = new Heartbeats(agents, clock, (agentId) => this.#sockets.get(agentId) ?? []);
    const settled = (agentId: string, messageIds: readonly string[]) => {
      for (const socket of this.#sockets.get(agentId) ?? []) socket.settled(messageIds);
    };
    const dispatcher = new Dispatcher(mailboxes, onError, options.turns);
    const { messageTimeoutMs, ackTimeoutMs, maxHops } = options;
    const background = new Background(onError);
    const stamps = createStamps(workspaceId);
    const admit = options.admitIn(workspaceId);
    const guards = new Guards({ mailboxes, agents, participation, sessions, counters, admit, maxHops });
    const notices = createNotices({ clock, newId: nextId, stamps, messageTimeoutMs });
    const shared = { mailboxes, agents, addressing, sessions, replies, guards, stamps, counters, clock, newId: nextId };
    this.#undeliverable = new Undeliverable({ ...shared, notices });
    const access = new MailboxAccess({ ...shared, dispatcher, ackTimeoutMs, settled });
    const answers = new Answers({ mailboxes, sessions, counters, settled });
    const receipts = new Receipts(agents, mailboxes);
    const broadcasts = new Broadcasts({ ...shared, answers, receipts });
    const intake = new MessageIntake({ ...shared, heartbeats, receipts, answers, broadcasts, messageTimeoutMs });
    this.agents = agents;
    this.sessions = sessions;
    this.access = access;
    this.messages = new MessageService({ intake, broadcasts, access, agents, mailboxes, sessions, clock });
    sessions.chatWithAgents(createChatAgents({ agents, sessions, send: (sending) => intake.send(sending) }));
    this.#settleChatMail = createChatMail({ mailboxes, counters, newId: nextId });
    this.#store = store;
    this.#intake = intake;
    this.#dispatcher = dispatcher;
    this.#background = background;
    this.#cancellations = new Cancellations({ sessions, mailboxes, notices, replies, answers, background, onError });
    this.#departures = new Departures({ sessions, mailboxes, undeliverable: this.#undeliverable, background, onError });
  }

  /** Ends what an earlier run left half done. */
  async resume(): Promise<void> {
    await this.#cancellations.resume();
    await this.#departures.resume();
  }

  /** The store has something to offer for a mailbox of this workspace. */
  mail(mailbox: string): void {
    if (isChatAgent(mailbox)) this.#background.run(() => this.#settleChatMail(mailbox));
    else this.#dispatcher.deal(mailbox);
  }

  /** The store offers a message of this workspace, by its stored names, once more. */
  retried(stored: LedgerEntry): void {
    const entry = this.#store.mailboxes.entryOf(stored);
    this.#background.run(() => recordRetry(this.sessions, entry));
  }

  /** The store holds a message of this workspace, by its stored names, that has no attempt left. */
  exhausted(stored: LedgerEntry, reason: string): void {
    const entry = this.#store.mailboxes.entryOf(stored);
    this.#background.run(() => this.#undeliverable.decide(entry, reason));
  }

  /**
   * A socket begins to take mail; the returned function is for its end and puts back what it has not acked.
   * An agent that is new is of the user, where one is named.
   */
  connect(socket: SocketReceiver, userId?: string): () => void {
    const { agentId } = socket;
    const gone = this.agents.arrive(agentId, 'sockets', userId);
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

  /** Forgets an agent and its token, and ends its sockets and waiting pulls. @throws BusError AGENT_NOT_FOUND */
  async removeAgent(agentId: string): Promise<void> {
    const isThere = this.agents.isRegistered(agentId);
    const removed = this.agents.remove(agentId);
    // At once: its name may be somebody else's the next moment.
    if (isThere) {
      this.access.endPulls(agentId);
      for (const socket of this.#sockets.get(agentId) ?? []) socket.close('AGENT_NOT_FOUND');
    }
    await removed;
  }

  /** A receiver has room again. */
  ring(agentId: string): void {
    this.#dispatcher.ring(agentId);
  }

  /** Nothing is accepted and nothing offered from now on; what is under way ends. */
  drain(): void {
    this.#intake.close();
    this.#dispatcher.stop();
    this.sessions.closeChats();
  }

  /** After the doors are closed: the sessions are settled, no timer is left. The store is its owner's to close. */
  async close(): Promise<void> {
    this.drain();
    await this.#background.close();
    await this.sessions.close();
  }
}

function createSessions(options: WorkspaceOptions): SessionManager {
  const { workspaceId, store, clock, sessionLimit } = options;
  return new SessionManager({
    workspaceId,
    log: store.sessions,
    clock,
    sessionLimit,
    newId: options.newId ?? newId,
    sessionTimeoutMs: options.sessionTimeoutMs,
    retentionMs: options.retentionMs,
    autoAdvance: options.autoAdvance,
    defaultTaskTimeoutMs: options.messageTimeoutMs,
    chatModels: options.chatModels,
    maxChatsPerSession: options.maxChatsPerSession,
    chatHistoryLimit: options.chatHistoryLimit,
    chatHistoryBytes: options.chatHistoryBytes,
    chatTimeoutMs: options.chatTimeoutMs,
    mayGoOn: (messageId) => mayGoOn(store.mailboxes, messageId),
  });
}
