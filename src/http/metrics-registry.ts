// The figures of a bus and its process, for Prometheus.
import { Counter, Gauge, Registry } from 'prom-client';
import type { Counters } from '../bus/counters.ts';

/** It starts no observer and no timer, so there is nothing to stop. */
export function createRegistry(counters: Counters): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Counter({
    name: 'agent_bus_messages_total',
    help: 'What happened to messages since the bus started; one message may be offered more than once.',
    labelNames: ['event'],
    registers,
    collect() {
      this.reset();
      const { guardTrips: _, ...messages } = counters;
      for (const [event, count] of Object.entries(messages)) this.inc({ event: snakeCase(event) }, count);
    },
  });
  new Counter({
    name: 'agent_bus_guard_trips_total',
    help: 'Messages that a guard has refused since the bus started.',
    labelNames: ['guard'],
    registers,
    collect() {
      this.reset();
      for (const [guard, count] of Object.entries(counters.guardTrips)) this.inc({ guard }, count);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'Used heap in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system time in seconds.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  return registry;
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
