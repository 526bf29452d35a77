// Who gets mail, and when: over the memory store, made as slow as a disk.
import { beforeEach, describe, expect, it } from 'vitest';
import { Dispatcher, type Receiver } from '../../src/bus/dispatcher.ts';
import type { MailboxStore } from '../../src/ports/mailbox-store.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { newMessage } from '../support/new-message.ts';
import { turn } from './session-setup.ts';

const agentId = 'codex://worker';
const clock = new ManualClock();

const turns = async () => {
  for (let count = 0; count < 5; count++) await turn();
};

let mailboxes: MailboxStore;
let dispatcher: Dispatcher;
let takes: number;
let errors: unknown[];

beforeEach(() => {
  const store = createMemoryStore({ clock, random: () => 0 }).mailboxes;
  takes = 0;
  errors = [];
  const take: MailboxStore['take'] = async (...args) => {
    // A dispatcher that asks for ever leaves no turn in which a test could time out.
    if (++takes > 100) throw new RangeError('asked too often');
    const offers = await store.take(...args);
    if (offers.length > 0) await turn();
    return offers;
  };
  mailboxes = new Proxy(store, {
    get: (target, name) => {
      if (name === 'take') return take;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  dispatcher = new Dispatcher(mailboxes, (error) => errors.push(error));
  store.listen({
    mail: (mailbox) => dispatcher.deal(mailbox),
    retried: () => undefined,
    exhausted: () => undefined,
    damaged: () => undefined,
  });
});

const message = (id: string) => newMessage(id, { mailbox: agentId, acceptedAt: clock.now() });
const send = (...ids: string[]) => Promise.all(ids.map((id) => mailboxes.enqueue(message(id))));

function join(connectionId: string, size: number): { receiver: Receiver; got: string[] } {
  const got: string[] = [];
  const receiver: Receiver = {
    ...{ agentId, connectionId, door: 'websocket', leaseMs: 30_000 },
    room: () => size - got.length,
    deliver: (offers) => got.push(...offers.map(({ messageId }) => messageId)),
  };
  dispatcher.add(receiver);
  return { receiver, got };
}

it('delivers in the commit that stores, and says so to the sender', async () => {
  const { got } = join('conn_1', 10);
  const stored = await send('a', 'b');
  expect(stored).toMatchObject([{ status: 'offered' }, { status: 'offered' }]);
  await turns();
  expect(got).toEqual(['a', 'b']);
  expect(takes).toBe(1);
});

it('shares mail evenly among those who have room', async () => {
  const [first, second, full] = [join('conn_1', 10), join('conn_2', 10), join('conn_3', 0)];
  await send('a', 'b', 'c', 'd');
  await turns();
  expect([first.got, second.got, full.got]).toEqual([['a', 'b'], ['c', 'd'], []]);
});

it('promises no more room than there is while offers are on their way to the disk', async () => {
  await send('a', 'b', 'c');
  const { got } = join('conn_1', 2);
  for (let again = 0; again < 5; again++) {
    dispatcher.ring(agentId);
    await Promise.resolve();
  }
  await turns();
  expect(got).toEqual(['a', 'b']);
  expect(mailboxes.stats(agentId)).toEqual({ queued: 1, inFlight: 2 });
});

it('asks once for what waits out its backoff, also while offers are on their way to the disk', async () => {
  const { got } = join('conn_1', 10);
  await send('a');
  await turns();
  await mailboxes.nack(agentId, 'a', { delayMs: 60_000 });
  const sending = send('b');
  await sending;
  dispatcher.ring(agentId);
  await turns();
  expect(got).toEqual(['a', 'b']);
  expect(errors).toEqual([]);
});

it('puts back what was on its way to a receiver that left', async () => {
  await send('a');
  const { receiver, got } = join('conn_1', 10);
  await Promise.resolve();
  expect(mailboxes.stats(agentId)).toEqual({ queued: 0, inFlight: 1 });
  dispatcher.remove(receiver);
  await turns();
  expect(got).toEqual([]);
  expect(mailboxes.stats(agentId)).toEqual({ queued: 1, inFlight: 0 });
});

it('leaves a receiver that left what it has got, and puts back what was on its way only', async () => {
  await send('a', 'b');
  let room = 1;
  const got: string[] = [];
  const pull: Receiver = {
    ...{ agentId, connectionId: 'conn_1', door: 'http', leaseMs: 30_000 },
    room: () => room,
    deliver: (offers) => {
      got.push(...offers.map(({ messageId }) => messageId));
      dispatcher.leave(pull);
    },
  };
  dispatcher.add(pull);
  await Promise.resolve();
  room = 10;
  dispatcher.ring(agentId);
  await Promise.resolve();
  expect(mailboxes.stats(agentId)).toEqual({ queued: 0, inFlight: 2 });
  await turns();
  expect(got).toEqual(['a']);
  expect(mailboxes.stats(agentId)).toEqual({ queued: 1, inFlight: 1 });
});

it('tells of a store that fails', async () => {
  await send('a');
  takes = 100;
  join('conn_1', 10);
  await turns();
  expect(errors).toMatchObject([{ message: 'asked too often' }]);
});

/** The mailboxes of a store from which each taking of mail keeps the process busy for so many milliseconds. */
function slowMailboxes(ms: number): MailboxStore {
  const { mailboxes } = createMemoryStore({ clock });
  return new Proxy(mailboxes, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (name === 'take') for (const end = performance.now() + ms; performance.now() < end; );
        return Reflect.apply(member, target, args);
      };
    },
  });
}

function receiver(agentId: string, onAsked: () => void): Receiver {
  return {
    agentId,
    door: 'websocket',
    connectionId: `conn_${agentId}`,
    leaseMs: 1_000,
    room: () => {
      onAsked();
      return 1;
    },
    deliver: () => undefined,
  };
}

describe('many agents that come back at once', () => {
  it('are served in turns that leave room for others, and all of them', async () => {
    const slow = slowMailboxes(1);
    const agents = Array.from({ length: 100 }, (_, agent) => `a://${agent}`);
    await Promise.all(agents.map((mailbox) => slow.enqueue({ ...message(`for ${mailbox}`), mailbox })));
    const slowly = new Dispatcher(slow, (error) => errors.push(error));
    const asked = new Set<string>();
    for (const agent of agents) slowly.add(receiver(agent, () => asked.add(agent)));
    await turn();
    expect(asked.size).toBeGreaterThan(0);
    expect(asked.size).toBeLessThan(50);
    await expect.poll(() => asked.size).toBe(100);
    expect(errors).toEqual([]);
  });
});
