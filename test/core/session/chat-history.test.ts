import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findChat } from '../../../src/core/session/chats.ts';
import { execute } from '../../../src/core/session/decide.ts';
import { fold } from '../../../src/core/session/evolve.ts';
import type { SessionAggregate } from '../../../src/core/session/state.ts';
import type { SessionEvent } from '../../../src/protocol/types.gen.ts';
import { ask, createsChat, endsTurn, given, startsTurn, tutorial, when } from './story.ts';

interface Exchange {
  question: string;
  /** None where the turn fails. */
  reply: string | undefined;
}

const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 30 }));
const exchange = fc.record({ question: text, reply: fc.option(text, { nil: undefined, freq: 5 }) });
const step = fc.oneof({ weight: 9, arbitrary: exchange }, { weight: 1, arbitrary: fc.constant('clear' as const) });
const limits = fc.record({
  history_limit: fc.integer({ min: 2, max: 9 }),
  history_byte_limit: fc.integer({ min: 0, max: 400 }),
});

/** What is remembered, by its definition: the most last turns since the history was cleared that fit together. */
function expected(steps: readonly (Exchange | 'clear')[], most: { messages: number; bytes: number }): string[] {
  const since = steps.slice(steps.lastIndexOf('clear') + 1);
  const turns = since.flatMap((one) => (one === 'clear' || one.reply === undefined ? [] : [[one.question, one.reply]]));
  for (let from = 0; from <= turns.length; from++) {
    const kept = turns.slice(from).flat();
    if (kept.length <= most.messages && Buffer.byteLength(kept.join('')) <= most.bytes) return kept;
  }
  return [];
}

function tell(steps: readonly (Exchange | 'clear')[], chat: Parameters<typeof createsChat>[1]) {
  let state: SessionAggregate | undefined;
  const events: SessionEvent[] = [];
  const run = (command: Parameters<typeof execute>[1]) => {
    const decision = execute(state, command);
    state = decision.state;
    events.push(...decision.events);
  };
  run(tutorial());
  run(createsChat('chat_1', chat));
  for (const [index, one] of steps.entries()) {
    if (one === 'clear') {
      run(ask({ type: 'clear_chat_history', chat_id: 'chat_1' }));
      continue;
    }
    run(startsTurn('chat_1', `turn_${index}`, one.question));
    const { reply: content } = one;
    run(
      endsTurn(
        'chat_1',
        `turn_${index}`,
        content === undefined ? { status: 'failed' } : { status: 'completed', content },
      ),
    );
  }
  return { chat: state && findChat(state.chats, 'chat_1'), events };
}

describe('the history of a chat', () => {
  it('is of the last turns that fit, whatever is said, fails and is cleared, and a restart finds the same', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), limits, (steps, { history_limit, history_byte_limit }) => {
        const { chat, events } = tell(steps, { history_limit, history_byte_limit });
        const { history = [], historyBytes } = chat ?? {};
        const contents = history.map(({ content }) => content);
        expect(contents).toEqual(expected(steps, { messages: history_limit, bytes: history_byte_limit }));
        expect(historyBytes).toBe(Buffer.byteLength(contents.join('')));
        expect(history.map(({ role }) => role)).toEqual(history.map((_, index) => (index % 2 ? 'assistant' : 'user')));
        const rebuilt = fold(undefined, JSON.parse(JSON.stringify(events)) as SessionEvent[]);
        expect(rebuilt && findChat(rebuilt.chats, 'chat_1')).toEqual(chat);
      }),
      { numRuns: 500 },
    );
  });

  it('forgets a turn that is too large, and those before it, and goes on with the next one', () => {
    let state = given(tutorial(), createsChat('chat_1', { history_byte_limit: 10 }));
    const heard: (string[] | undefined)[] = [];
    for (const [index, reply] of ['Hi.', 'x'.repeat(11), 'Yes.'].entries()) {
      state = when(state, startsTurn('chat_1', `turn_${index}`, 'Hey?')).state;
      state = when(state, endsTurn('chat_1', `turn_${index}`, { status: 'completed', content: reply })).state;
      heard.push(findChat(state.chats, 'chat_1')?.history.map(({ content }) => content));
    }
    expect(heard).toEqual([['Hey?', 'Hi.'], [], ['Hey?', 'Yes.']]);
  });
});

describe('the tokens of a chat', () => {
  it('are those of its completed turns, as far as they were told', () => {
    let state = given(tutorial(), createsChat('chat_1'));
    expect(findChat(state.chats, 'chat_1')?.usage).toBeUndefined();
    const usages = [{ input_tokens: 7 }, undefined, { input_tokens: 1, output_tokens: 2 }];
    for (const [index, usage] of usages.entries()) {
      state = when(state, startsTurn('chat_1', `turn_${index}`)).state;
      const outcome = { status: 'completed' as const, content: 'Hi.', ...(usage && { usage }) };
      state = when(state, endsTurn('chat_1', `turn_${index}`, outcome)).state;
    }
    expect(findChat(state.chats, 'chat_1')?.usage).toEqual({ input_tokens: 8, output_tokens: 2 });
  });
});
