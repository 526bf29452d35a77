import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Answer, ChatTurns, type Question, type TurnOptions } from '../../src/bus/chat-turns.ts';
import { SessionRegistry } from '../../src/bus/session-registry.ts';
import { findChat } from '../../src/core/session/chats.ts';
import { BusError } from '../../src/protocol/errors.ts';
import { ask, createsChat, refused, tutorial } from '../core/session/story.ts';
import { isCollected } from '../support/collected.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemorySessionLog } from '../support/memory-session-log.ts';

type Script = (question: Question) => Answer;

/** A reply in two parts. */
async function* echo({ content }: Question): Answer {
  yield 'You said: ';
  yield content;
  return { content: `You said: ${content}` };
}

/** Never says anything, and does not listen either. */
async function* hang(): Answer {
  await new Promise(() => undefined);
  yield 'never';
  return { content: 'never' };
}

async function setUp(script: Script = echo, log = new MemorySessionLog()) {
  const clock = new ManualClock();
  const lifetimes = { sessionTimeoutMs: 1e9, retentionMs: 1e9 };
  const silent = { happened: () => undefined, recorded: () => undefined, deleted: () => undefined };
  const sessions = new SessionRegistry({ log, clock, lifetimes, mayGoOn: async () => false }, silent);
  await sessions.load();
  if (!sessions.find('sess_1')) for (const command of [tutorial(), createsChat('chat_1')]) sessions.run(command);
  const asked: Question[] = [];
  let made = 0;
  const answer: Script = (question) => {
    asked.push(question);
    return script(question);
  };
  const turns = new ChatTurns({ sessions, clock, newTurnId: () => `turn_${++made}`, answer });
  const say = async (content: string, options: Partial<TurnOptions> = {}): Promise<string> => {
    const parts = turns.turn('sess_1', 'chat_1', content, { timeoutMs: 60_000, ...options });
    for (;;) {
      const next = await parts.next();
      if (next.done) return next.value.content;
    }
  };
  const recorded = () => log.events('sess_1').filter(({ type }) => type.startsWith('chat_turn'));
  const history = () => findChat(sessions.require('sess_1').chats, 'chat_1')?.history.map((one) => one.content);
  return { clock, log, sessions, turns, asked, say, recorded, history };
}

const until = async (isSo: () => boolean) => {
  for (let turn = 0; !isSo() && turn < 1000; turn++) await new Promise(setImmediate);
  expect(isSo()).toBe(true);
};

describe('a turn', () => {
  it('is on disk before anybody is asked, and its reply before it is handed over', async () => {
    let open = (): void => undefined;
    const { log, asked, say, recorded } = await setUp();
    log.gate = new Promise((resolve) => {
      open = resolve;
    });
    let reply: string | undefined;
    const said = say('Hello!').then((text) => {
      reply = text;
    });
    await new Promise(setImmediate);
    expect(asked).toEqual([]);
    open();
    log.gate = Promise.resolve();
    await said;
    expect(reply).toBe('You said: Hello!');
    expect(recorded().map(({ type, data }) => [type, data])).toMatchObject([
      ['chat_turn_started', { chat_id: 'chat_1', turn_id: 'turn_1', content: 'Hello!' }],
      ['chat_turn_ended', { turn_id: 'turn_1', status: 'completed', content: 'You said: Hello!' }],
    ]);
  });

  it('comes in parts as they are said', async () => {
    const { turns } = await setUp();
    const parts: string[] = [];
    for await (const part of turns.turn('sess_1', 'chat_1', 'Hello!', { timeoutMs: 1000 })) parts.push(part);
    expect(parts).toEqual(['You said: ', 'Hello!']);
  });

  it('waits for those before it, and knows what they brought', async () => {
    const { asked, say } = await setUp();
    const replies = await Promise.all([say('1'), say('2'), say('3')]);
    expect(replies).toEqual(['You said: 1', 'You said: 2', 'You said: 3']);
    expect(asked.map(({ chat }) => chat.history.length)).toEqual([0, 2, 4]);
  });

  it('is refused where 100 others wait, and these are answered', async () => {
    const { say } = await setUp();
    const first = Array.from({ length: 101 }, (_, index) => say(`${index}`));
    await expect(say('one too many')).rejects.toEqual(refused('CHAT_BUSY'));
    expect(await Promise.all(first)).toHaveLength(101);
  });

  it('that has waited tells whom it asks what is left of its time', async () => {
    let answerFirst = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      answerFirst = resolve;
    });
    const { clock, asked, say } = await setUp(async function* (question) {
      if (question.content === '1') await first;
      return yield* echo(question);
    });
    const all = [say('1'), say('2', { timeoutMs: 30_000 })];
    await until(() => asked.length === 1);
    clock.advance(10_000);
    answerFirst();
    await Promise.all(all);
    expect(asked.map(({ timeoutMs }) => timeoutMs)).toEqual([60_000, 20_000]);
  });

  it('keeps nothing of the parts that were handed over', async () => {
    let said: WeakRef<object> | undefined;
    const { turns } = await setUp(() => {
      const parts = echo({ content: 'Hello!' } as Question);
      const say = parts.next.bind(parts);
      const next = async () => {
        const part = await say();
        said ??= new WeakRef(part);
        return part;
      };
      return Object.assign(parts, { next });
    });
    const heard = turns.turn('sess_1', 'chat_1', 'Hello!', { timeoutMs: 1000 });
    for (const _ of ['first', 'second']) await heard.next();
    expect(said && (await isCollected(said))).toBe(true);
  });

  it('in a chat or session that is not there, or is over, is refused', async () => {
    const { turns, sessions, say } = await setUp();
    const options = { timeoutMs: 1000 };
    await expect(turns.turn('sess_1', 'chat_9', 'Hello!', options).next()).rejects.toEqual(refused('CHAT_NOT_FOUND'));
    await expect(turns.turn('sess_9', 'chat_1', 'Hello!', options).next()).rejects.toEqual(
      refused('SESSION_NOT_FOUND'),
    );
    sessions.run(ask({ type: 'complete_session' }));
    await expect(say('Hello!')).rejects.toEqual(refused('SESSION_ENDED'));
  });
});

describe('a turn that fails', () => {
  it('is on record with its code and none of the words, and the next one works', async () => {
    const { say, recorded, history } = await setUp((question) => {
      if (question.content === 'Fail!') throw new BusError('STORE_FULL', 'There is no room for sk-canary.');
      return echo(question);
    });
    await expect(say('Fail!')).rejects.toEqual(refused('STORE_FULL'));
    const error = { code: 'STORE_FULL', message: 'Store full.' };
    expect(recorded().at(-1)?.data).toMatchObject({ status: 'failed', error });
    expect(await say('Hello!')).toBe('You said: Hello!');
    expect(history()).toEqual(['Hello!', 'You said: Hello!']);
  });

  it('in the middle of its reply leaves no half of it', async () => {
    const { turns, recorded, history } = await setUp(async function* () {
      yield 'I would say';
      throw new Error('key sk-canary');
    });
    const parts = turns.turn('sess_1', 'chat_1', 'Hello!', { timeoutMs: 1000 });
    expect(await parts.next()).toEqual({ done: false, value: 'I would say' });
    await expect(parts.next()).rejects.toThrow('sk-canary');
    expect(recorded().at(-1)?.data).toMatchObject({ status: 'failed', error: { code: 'INTERNAL' } });
    expect(JSON.stringify(recorded())).not.toContain('canary');
    expect(history()).toEqual([]);
  });

  it('by its time is timed out, however much the other side hangs', async () => {
    const { clock, asked, say, recorded } = await setUp(hang);
    const said = say('Hello!');
    await until(() => asked.length === 1);
    clock.advance(60_000);
    await expect(said).rejects.toEqual(refused('CHAT_TIMEOUT'));
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(recorded().at(-1)?.data).toMatchObject({ status: 'timed_out' });
  });

  it('since nobody wants its reply is aborted', async () => {
    const { asked, say, recorded } = await setUp(hang);
    const abort = new AbortController();
    const said = say('Hello!', { signal: abort.signal });
    await until(() => asked.length === 1);
    abort.abort();
    await expect(said).rejects.toEqual(refused('CHAT_ABORTED'));
    expect(recorded().at(-1)?.data).toMatchObject({ status: 'aborted' });
    await expect(say('Hello!', { signal: abort.signal })).rejects.toEqual(refused('CHAT_ABORTED'));
    expect(asked).toHaveLength(1);
  });

  it('since its listener stopped listening is aborted, and so is who answers', async () => {
    let tidied = 0;
    const { sessions, turns, asked, say, recorded } = await setUp(async function* (question) {
      try {
        return yield* echo(question);
      } finally {
        tidied++;
      }
    });
    for await (const _ of turns.turn('sess_1', 'chat_1', 'Hello!', { timeoutMs: 1000 })) break;
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(tidied).toBe(1);
    await sessions.settled('sess_1');
    expect(recorded().at(-1)?.data).toMatchObject({ status: 'aborted' });
    expect(await say('Again!')).toBe('You said: Again!');
  });

  it('by its time is over even if its listener never comes back, and the next one works', async () => {
    const { clock, turns, asked, say, recorded, history } = await setUp();
    const { signal } = new AbortController();
    const parts = turns.turn('sess_1', 'chat_1', 'Hello!', { timeoutMs: 1000, signal });
    expect(await parts.next()).toEqual({ done: false, value: 'You said: ' });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    const second = say('And I?');
    clock.advance(1000);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(await second).toBe('You said: And I?');
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(recorded().map(({ data }) => data)).toMatchObject([
      { turn_id: 'turn_1' },
      { turn_id: 'turn_1', status: 'timed_out', error: { code: 'CHAT_TIMEOUT' } },
      { turn_id: 'turn_2' },
      { turn_id: 'turn_2', status: 'completed' },
    ]);
    await expect(parts.next()).rejects.toEqual(refused('CHAT_TIMEOUT'));
    expect(history()).toEqual(['And I?', 'You said: And I?']);
  });

  it('in the moment of its reply either has it, handed over and remembered, or has not', async () => {
    const outcomes = new Set<string>();
    for (let late = 0; late < 30; late++) {
      const abort = new AbortController();
      const { say, recorded, history } = await setUp(async function* () {
        yield 'Hi';
        void (async () => {
          for (let microtask = 0; microtask < late; microtask++) await null;
          abort.abort();
        })();
        return { content: 'Hi.' };
      });
      const outcome = await say('Hello!', { signal: abort.signal }).catch(() => 'aborted');
      outcomes.add(outcome);
      const status = outcome === 'aborted' ? 'aborted' : 'completed';
      expect([late, recorded().at(-1)?.data]).toMatchObject([late, { status }]);
      expect(history()).toHaveLength(outcome === 'aborted' ? 0 : 2);
    }
    expect([...outcomes].sort()).toEqual(['Hi.', 'aborted']);
  });

  it('by its time while it waits for another one was never asked, and leaves no record', async () => {
    const { clock, turns, asked, say, recorded } = await setUp(hang);
    const first = say('1');
    await until(() => asked.length === 1);
    const late = [say('2', { timeoutMs: 300 }), turns.aside('sess_1', 'chat_1', '3', { timeoutMs: 300 }).next()];
    const outcomes = Promise.allSettled(late);
    clock.advance(300);
    const timedOut = { status: 'rejected', reason: refused('CHAT_TIMEOUT') };
    expect(await outcomes).toEqual([timedOut, timedOut]);
    turns.close();
    await expect(first).rejects.toEqual(refused('SHUTTING_DOWN'));
    expect(asked).toHaveLength(1);
    expect(recorded().map(({ data }) => data)).toMatchObject([{ content: '1' }, { status: 'interrupted' }]);
  });

  it('while it waits was never asked, and leaves no record', async () => {
    const { turns, asked, say, recorded } = await setUp(hang);
    const first = say('1');
    const second = say('2');
    await until(() => asked.length === 1);
    turns.close();
    await expect(first).rejects.toEqual(refused('SHUTTING_DOWN'));
    await expect(second).rejects.toEqual(refused('SHUTTING_DOWN'));
    expect(recorded().map(({ data }) => data)).toMatchObject([{ content: '1' }, { status: 'interrupted' }]);
  });
});

describe('a turn that a crash cuts short', () => {
  it('is interrupted at the next start, and asked no second time', async () => {
    const { log, asked, say } = await setUp(hang);
    void say('Hello!').catch(() => undefined);
    await until(() => asked.length === 1);
    const after = await setUp(echo, log);
    after.turns.interruptOpen();
    await after.sessions.settled('sess_1');
    expect(after.asked).toEqual([]);
    expect(after.recorded().at(-1)?.data).toMatchObject({ turn_id: 'turn_1', status: 'interrupted' });
    expect(await after.say('Again!')).toBe('You said: Again!');
    expect(after.history()).toEqual(['Again!', 'You said: Again!']);
  });
});

describe('a turn on a disk that fails', () => {
  it('is refused before anybody is asked', async () => {
    const { log, asked, say } = await setUp();
    log.broken = true;
    await expect(say('Hello!')).rejects.toEqual(refused('STORE_FAILED'));
    expect(asked).toEqual([]);
  });

  it('has no reply', async () => {
    const { log, asked, say } = await setUp(async function* () {
      log.broken = true;
      yield 'Hi.';
      return { content: 'Hi.' };
    });
    await expect(say('Hello!')).rejects.toEqual(refused('STORE_FAILED'));
    expect(asked).toHaveLength(1);
  });
});
