// One seed from its first turn to the comparison at its end.
import { Chaos } from './chaos.ts';
import { compareAll } from './compare.ts';
import { drain } from './drain.ts';
import type { Figures, Violation } from './model.ts';
import { Operator } from './operator.ts';
import { Orchestrator } from './orchestrator.ts';
import { Puller } from './puller.ts';
import { endOfTurn } from './scheduler.ts';
import { Sender } from './sender.ts';
import { SocketAgent } from './socket-agent.ts';
import { World, type WorldOptions } from './world.ts';

export interface RunOptions extends WorldOptions {
  /** Turns before everything is drained. */
  steps: number;
}

export interface Outcome {
  seed: number;
  violations: readonly Violation[];
  figures: Figures;
  trace: readonly string[];
  /** What there was in its world. */
  features: readonly string[];
}

export async function run(options: RunOptions): Promise<Outcome> {
  const world = new World(options);
  populate(world);
  const { model, trace } = world;
  const onFault = (error: unknown): void => model.violate('X', 'server', `threw ${describe(error)}`);
  process.on('unhandledRejection', onFault);
  try {
    await live(world, options.steps);
  } catch (error) {
    onFault(error);
  } finally {
    process.off('unhandledRejection', onFault);
  }
  const { violations, figures } = model;
  for (const { invariant, id, text } of violations) world.tell(`VIOLATION of ${invariant}: ${id} ${text}`);
  return { seed: options.seed, violations, figures, trace, features: [...world.profile.features] };
}

async function live(world: World, steps: number): Promise<void> {
  const { model, scheduler } = world;
  world.start();
  await endOfTurn();
  while (scheduler.steps < steps && model.violations.length === 0) await scheduler.step();
  if (model.violations.length === 0) await drain(world);
  if (model.violations.length === 0) await compareAll(world);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function populate(world: World): void {
  const { profile, agentIds, senderIds } = world;
  for (const agent of agentIds) {
    for (let socket = 0; socket < profile.sockets; socket++) world.add(new SocketAgent(world, agent));
    for (let pull = 0; pull < profile.pullers; pull++) world.add(new Puller(world, agent));
  }
  for (const sender of senderIds) world.add(new Sender(world, sender));
  const [first] = senderIds;
  if (first !== undefined) world.add(new Puller(world, first));
  if (world.has('operator')) world.add(new Operator(world));
  if (world.has('sessions')) world.add(new Orchestrator(world));
  world.add(new Chaos(world));
}
