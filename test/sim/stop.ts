// A clean stop, in the order in which the server does it: nothing new, the doors close, the store is flushed and closed.
import type { Server, World } from './world.ts';

export function stop(world: World, server: Server): void {
  const { scheduler, model } = world;
  server.stopping = true;
  world.tell('the server is told to stop');
  server.bus.drain();
  const graceMs = world.random.between(0, 500);
  server.life.after(graceMs, () => {
    server.closing.abort();
    closed(server).then(
      () => {
        world.tell('the server has stopped');
        // What it could not flush is lost, or not.
        if (model.hasFailed) world.crash();
        const left = scheduler.pendingOf(server.life);
        if (left > 0) model.violate('L', 'server', `left ${left} timers behind`);
        server.life.kill();
        world.server = undefined;
        model.ended();
      },
      (error: unknown) => model.violate('X', 'server', `did not stop: ${String(error)}`),
    );
  });
}

async function closed({ bus, store }: Server): Promise<void> {
  await bus.close();
  await store.close();
}
