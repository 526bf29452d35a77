// After the drain: the ledger, the session logs and the tables, held against the model.
import { operator } from '../../src/bus/identity.ts';
import { busAgentId } from '../../src/protocol/ids.ts';
import type { LedgerMessage } from '../../src/protocol/types.gen.ts';
import { drain } from './drain.ts';
import { onlyMessage } from './operator.ts';
import { endOfTurn } from './scheduler.ts';
import type { Server, World } from './world.ts';

const longRetentionMs = 86_400_000;

/** The ledger, the tables, and both again after a crash of the drained bus. */
export async function compareAll(world: World): Promise<void> {
  const { model } = world;
  await compareLedger(world);
  if (model.violations.length > 0) return;
  world.crash();
  await drain(world);
  const dead = await compareLedger(world);
  await compareTables(world);
  await compareSessions(world, dead);
  compareNotices(world, dead);
}

/** Steps until the promise has settled. */
async function during<T>({ scheduler }: World, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  // What need not wait for the disk is there at the end of this turn.
  await endOfTurn();
  for (let turn = 0; turn < 10_000 && !isSettled; turn++) await scheduler.step();
  return settled;
}

function lookUp(world: World, { workspace }: Server, id: string): Promise<LedgerMessage | undefined> {
  return during(
    world,
    workspace.messages.find(id, operator).then(onlyMessage, () => undefined),
  );
}

/** The ids of the messages that are dead. */
async function compareLedger(world: World): Promise<ReadonlyMap<string, string>> {
  const { model, operators, server } = world;
  const dead = new Map<string, string>();
  if (!server) return dead;
  for (const { id } of [...model.messages.values()]) {
    const entry = await lookUp(world, server, id);
    operators.found(id, entry);
    if (entry?.status === 'dead') dead.set(id, entry.reason ?? '');
    else if (entry && entry.status !== 'acknowledged') {
      model.violate('L', id, `is still ${entry.status} after the drain`);
    }
  }
  return dead;
}

/** Whose message died is told so, but of what was cancelled. */
function compareNotices({ model, profile }: World, dead: ReadonlyMap<string, string>): void {
  // A notice that died in turn is not known any more where little is kept.
  if (profile.retentionMs < longRetentionMs) return;
  for (const [id, reason] of dead) {
    const message = model.messages.get(id);
    if (!message || message.isNotice || message.notices.size > 0 || reason === 'task cancelled') continue;
    model.violate('I1', id, `is dead (${reason}), and its sender was not told`);
  }
}

async function compareSessions(world: World, dead: ReadonlyMap<string, string>): Promise<void> {
  const { model, server, sessions } = world;
  if (!server) return;
  for (const sessionId of sessions.sessionIds) {
    // One that ended long ago is forgotten.
    const log = await during(
      world,
      server.workspace.sessions.readEvents(sessionId, 0, 100_000).catch(() => undefined),
    );
    if (log) sessions.check(model, sessionId, log, dead);
  }
}

async function compareTables(world: World): Promise<void> {
  const { model, receivers, disk, server } = world;
  if (!server) return;
  // Everything is in the tables then.
  const { items: dead } = await during(world, server.workspace.messages.deadLetters({ limit: 100_000 }));
  const open = (name: string): string[] =>
    disk
      .table(name)
      .range({})
      .map(({ value, key }) => value.toString('utf8') || String(key));
  for (const id of open('queues')) model.violate('I2', id, 'has a queue row after the drain');
  for (const id of open('held')) model.violate('I1', id, 'is held after the drain');
  const seen = new Set<string>();
  for (const { key } of disk.table('dead').range({})) {
    const id = String((key as (string | number)[])[1]);
    if (seen.has(id)) model.violate('I2', id, 'has two rows among the dead letters');
    seen.add(id);
  }
  for (const { message_id: id } of dead) if (!seen.has(id)) model.violate('I2', id, 'is a dead letter without a row');
  for (const { key } of disk.table('ledger').range({})) {
    const id = String(key);
    if (model.messages.has(id)) continue;
    const entry = await lookUp(world, server, id);
    const isNotice = entry?.envelope?.sender.agent_id === busAgentId;
    // It died before anybody saw it.
    if (entry?.status === 'dead' && entry.envelope && isNotice) receivers.noticed(id, entry.envelope);
    else model.violate('I5', id, 'is in the ledger, and nobody had sent it');
  }
}
