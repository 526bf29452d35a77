// What kind of world a seed is: who acts in it, how fast, and how unreliable it is. Few features at a time reach deeper.
import type { Random } from './random.ts';

const featureNames = [
  'crashes',
  'stops',
  'faults',
  'sync',
  'sessions',
  'fallbacks',
  'conflicts',
  'operator',
  'limits',
  'delays',
] as const;
export type Feature = (typeof featureNames)[number];

export interface Profile {
  features: ReadonlySet<Feature>;
  agents: number;
  /** Sockets, and pulls, of each agent. */
  sockets: number;
  pullers: number;
  senders: number;
  /** Milliseconds between two deeds of an actor, at most. */
  thinkMs: number;
  /** The longest that half a commit takes. */
  diskMs: number;
  /** Timers are so late at most. */
  timersLateMs: number;
  /** Messages that a sender sends in one turn, at most. */
  burst: number;
  /** Of all deeds of a receiver, the share that is no ack. */
  trouble: number;
  leaseMs: number;
  ackTimeoutMs: number;
  /** Of a socket. */
  window: number;
  /** The shortest `routing.timeout` is a second; the longest so many. */
  longestTimeoutS: number;
  retentionMs: number;
  /** Turns of the world between two crashes, on average. */
  turnsPerRun: number;
  maxMailboxMessages: number;
  payloadBytes: number;
}

export function chooseProfile(random: Random, without: readonly Feature[]): Profile {
  const features = new Set(featureNames.filter((name) => random.chance(name === 'crashes' ? 0.9 : 0.5)));
  for (const name of without) features.delete(name);
  const sockets = random.between(0, 2);
  return {
    features,
    agents: random.between(1, 4),
    sockets,
    pullers: sockets === 0 ? 1 : random.between(0, 1),
    senders: random.between(1, 3),
    thinkMs: random.pick([3, 20, 200, 1_000]),
    diskMs: random.pick([0, 2, 10, 60]),
    timersLateMs: random.pick([0, 3]),
    burst: random.pick([1, 4, 12]),
    trouble: random.pick([0.05, 0.3, 0.7]),
    leaseMs: random.pick([30, 400, 5_000]),
    ackTimeoutMs: random.pick([30, 400, 5_000]),
    window: random.pick([1, 4, 32]),
    longestTimeoutS: random.pick([3, 30, 600]),
    retentionMs: random.pick([5_000, 60_000, 86_400_000]),
    turnsPerRun: random.pick([60, 200, 600]),
    maxMailboxMessages: features.has('limits') ? random.between(3, 30) : 1_000_000,
    payloadBytes: random.pick([0, 0, 300, 20_000]),
  };
}
