// What the bus has done since it started; plain numbers, read by whoever shows metrics.
import { type Guard, noTrips } from '../core/guards/guard.ts';

export interface Counters {
  accepted: number;
  duplicates: number;
  refused: number;
  offered: number;
  acknowledged: number;
  negativelyAcknowledged: number;
  deadLettered: number;
  rerouted: number;
  /** What the guards have refused; it is among `refused` as well. */
  guardTrips: Record<Guard, number>;
}

export function createCounters(): Counters {
  return {
    accepted: 0,
    duplicates: 0,
    refused: 0,
    offered: 0,
    acknowledged: 0,
    negativelyAcknowledged: 0,
    deadLettered: 0,
    rerouted: 0,
    guardTrips: noTrips(),
  };
}
