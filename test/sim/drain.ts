// The end of a seed: receivers that ack everything, until nothing is left; then everything is compared with the model.
import type { SocketReceiver } from '../../src/bus/workspace.ts';
import type { Server, World } from './world.ts';

/** Longer than any lease, delay or backoff that an earlier failure may have left behind. */
const longestWaitMs = 100_000;
/** What has begun is through after this. */
const quietMs = 200;
const mostSteps = 200_000;

/** Starts the server where it is down, and hands out everything that there is. */
export async function drain(world: World): Promise<void> {
  const { scheduler, model } = world;
  scheduler.dismissActors();
  world.disk.repair();
  const server = await running(world);
  if (!server) return;
  world.tell('the drain begins');
  server.closing.abort();
  const ids = [...world.agentIds, ...world.senderIds];
  for (const agent of ids) server.workspace.connect(eager(world, server, agent));
  const until = scheduler.now + longestWaitMs;
  const limit = scheduler.steps + mostSteps;
  while (scheduler.now < until && scheduler.steps < limit && model.violations.length === 0) {
    // Whoever is told of what has just died gets that as well.
    if (isIdle(server, ids) && (scheduler.nextAt ?? until) > scheduler.now + quietMs) break;
    await scheduler.step();
  }
  for (const agent of ids) {
    const { queued, inFlight } = server.store.mailboxes.stats(agent);
    if (queued + inFlight > 0)
      model.violate('L', agent, `has ${queued} messages queued and ${inFlight} in flight that do not come`);
  }
}

async function running(world: World): Promise<Server | undefined> {
  const { scheduler, model } = world;
  const isReady = (): boolean => world.server !== undefined && !world.server.stopping && !model.hasFailed;
  for (let turn = 0; turn < 1_000 && !isReady(); turn++) {
    if (model.hasFailed) world.crash();
    if (!world.isUp) world.start();
    await scheduler.step();
  }
  if (!isReady()) model.violate('L', 'server', 'does not start');
  return world.server;
}

function isIdle({ store }: Server, ids: readonly string[]): boolean {
  return ids.every((agent) => {
    const { queued, inFlight } = store.mailboxes.stats(agent);
    return queued + inFlight === 0;
  });
}

/** Acks in the turn of the delivery. */
function eager(world: World, server: Server, agentId: string): SocketReceiver {
  const { model, receivers, profile } = world;
  const connectionId = world.newId('socket');
  return {
    agentId,
    door: 'websocket',
    connectionId,
    leaseMs: profile.ackTimeoutMs,
    room: () => 100,
    deliver: (offers) => {
      receivers.delivered(agentId, connectionId, profile.ackTimeoutMs, offers);
      const ids = offers.map(({ messageId }) => messageId);
      world.tell(`${agentId} drains ${ids.join(', ')}`);
      receivers.acking(ids);
      server.workspace.access.ackAll(agentId, ids).then(
        (refused) => {
          const refusedIds = new Set(refused.map(({ messageId }) => messageId));
          for (const { messageId, error } of refused) model.codeOf(messageId, error, ['MESSAGE_SETTLED']);
          for (const id of ids) if (!refusedIds.has(id)) receivers.acked(id);
        },
        (error: unknown) => model.violate('L', agentId, `cannot ack: ${String(error)}`),
      );
    },
    forward: () => undefined,
    settled: () => undefined,
    close: () => undefined,
  };
}
