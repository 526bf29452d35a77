// Everything of one seed: time, the disk, the server that lives and dies on it, and what is known from outside.
import { setMaxListeners } from 'node:events';
import { Bus } from '../../src/bus/bus.ts';
import type { Workspace } from '../../src/bus/workspace.ts';
import { defaultWorkspace } from '../../src/bus/workspace-names.ts';
import type { Store } from '../../src/ports/store.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { createLmdbStore, type LmdbStore } from '../../src/store/lmdb.ts';
import { SessionRecord } from './check-sessions.ts';
import { Disk } from './disk.ts';
import { Keys } from './keys.ts';
import { Model } from './model.ts';
import { OperatorView } from './operator-view.ts';
import { chooseProfile, type Feature, type Profile } from './profile.ts';
import { Random } from './random.ts';
import { ReceiverView } from './receiver-view.ts';
import { type Life, Scheduler } from './scheduler.ts';
import { SenderView } from './sender-view.ts';

/** One run of the server. */
export interface Server {
  bus: Bus;
  /** Everything simulated lies in one. */
  workspace: Workspace;
  store: Store;
  life: Life;
  /** Ends what doors would end at a stop: waiting pulls and sync senders. */
  closing: AbortController;
  stopping: boolean;
}

export interface WorldOptions {
  seed: number;
  without: readonly Feature[];
  /** Whether the store is encrypted, and its key changed now and then. */
  encrypted?: boolean;
}

/** Something that acts; returns how many milliseconds it waits before it acts again. */
export interface Actor {
  act(): number;
}

export class World {
  readonly random: Random;
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly disk: Disk;
  readonly model: Model;
  readonly senders: SenderView;
  readonly receivers: ReceiverView;
  readonly operators: OperatorView;
  readonly trace: string[] = [];
  readonly agentIds: readonly string[];
  readonly senderIds: readonly string[];
  readonly sessionIds: string[] = [];
  readonly sessions = new SessionRecord();
  readonly #keys: Keys | undefined;
  /** Undefined while none runs. */
  server: Server | undefined;
  #ids = 0;
  #elapsed = 0;
  #life: Life | undefined;

  constructor({ seed, without, encrypted = false }: WorldOptions) {
    this.#keys = encrypted ? new Keys(seed) : undefined;
    this.random = new Random(seed);
    this.profile = chooseProfile(this.random.fork(), without);
    this.agentIds = Array.from({ length: this.profile.agents }, (_, index) => `codex://a${index}`);
    this.senderIds = Array.from({ length: this.profile.senders }, (_, index) => `claude-code://s${index}`);
    this.scheduler = new Scheduler(this.random.fork(), this.profile.timersLateMs);
    const onFailure = (): void => {
      this.tell('a flush fails');
      this.model.flushFailed();
    };
    this.disk = new Disk({ random: this.random.fork(), slowestMs: this.profile.diskMs, onFailure });
    this.model = new Model(() => this.scheduler.now, { retentionMs: this.profile.retentionMs });
    this.senders = new SenderView(this.model);
    this.receivers = new ReceiverView(this.model);
    this.operators = new OperatorView(this.model);
  }

  /** Whether it runs, or is about to. */
  get isUp(): boolean {
    return this.#life?.alive ?? false;
  }

  /** The server, while its doors are open. */
  get open(): Server | undefined {
    return this.server?.closing.signal.aborted ? undefined : this.server;
  }

  has(feature: Feature): boolean {
    return this.profile.features.has(feature);
  }

  /** A line of the trace. */
  tell(text: string): void {
    const seconds = (this.scheduler.now - this.#began) / 1_000;
    this.trace.push(`${String(this.scheduler.steps).padStart(5)} ${seconds.toFixed(3).padStart(9)}s  ${text}`);
  }

  readonly #began = Date.parse('2025-02-02T11:00:00Z');

  newId = (prefix: string): string => `${prefix}_${String(++this.#ids).padStart(6, '0')}`;

  add(actor: Actor, firstMs = 0): void {
    this.scheduler.after(firstMs, () => {
      const nextMs = actor.act();
      this.add(actor, nextMs);
    });
  }

  /** The server is there in the same turn. */
  start(): void {
    const { profile, model } = this;
    if (this.#life?.alive) throw new Error('a server runs already');
    const life = this.scheduler.life();
    this.#life = life;
    model.started();
    this.tell(`the server starts, run ${model.run}`);
    const random = this.random.fork();
    const ring = this.#keys?.forNextRun();
    const store = createLmdbStore(this.disk.open(life), this.disk.openJournal(life), {
      clock: life.clock,
      random: () => random.next(),
      defer: (run) => life.defer(run),
      isFull: () => false,
      limits: {
        retentionMs: profile.retentionMs,
        maxMailboxMessages: profile.maxMailboxMessages,
        maxMailboxBytes: 2 ** 30,
      },
      ...(ring && { ring }),
    });
    this.#awaitReencryption(store, life);
    Bus.open({
      store,
      clock: life.clock,
      newId: this.newId,
      turns: { elapsed: () => this.#stopwatch(random), later: (run) => life.defer(run) },
      apiKey: 'a-key-for-the-simulation',
      messageTimeoutMs: 300_000,
      ackTimeoutMs: profile.ackTimeoutMs,
      offlineGraceMs: 2_000,
      sessionTimeoutMs: 3_600_000,
      retentionMs: profile.retentionMs,
      autoAdvance: true,
      rateLimit: 0,
      maxHops: 32,
      maxPairRate: 0,
      maxSessionRate: 0,
      onError: (error) => this.#behindAnswers(error),
    }).then(
      (bus) => {
        if (!life.alive) return;
        bus.sessions.on('recorded', (event) => this.sessions.recorded(event));
        const closing = new AbortController();
        setMaxListeners(0, closing.signal);
        this.server = { bus, workspace: bus.workspace(defaultWorkspace), store, life, closing, stopping: false };
      },
      (error: unknown) => model.violate('X', 'server', `did not start: ${String(error)}`),
    );
  }

  #awaitReencryption({ reencrypted }: LmdbStore, life: Life): void {
    reencrypted?.then(
      (isDone) => {
        if (!isDone || !life.alive) return;
        this.tell('everything is under the present key');
        this.#keys?.forgetEarlier();
      },
      (error: unknown) => this.#behindAnswers(error),
    );
  }

  /** Power is lost. */
  crash(): void {
    if (!this.#life?.alive) return;
    this.#life.kill();
    const { lost, kept } = this.disk.crash();
    this.server = undefined;
    this.model.crashed();
    this.tell(`the server crashes: ${lost} unflushed commits are lost, ${kept} are kept`);
  }

  /** Work takes its time: a few milliseconds that only the watch shows. */
  #stopwatch(random: Random): number {
    this.#elapsed += random.between(0, 4);
    return this.#elapsed;
  }

  #behindAnswers(error: unknown): void {
    if (error instanceof BusError && error.code === 'STORE_FAILED') return;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.model.violate('X', 'server', `an error behind the answers: ${text}`);
  }
}
