import { describe, expect, it } from 'vitest';
import { chatOf, findChat } from '../../../src/core/session/chats.ts';
import { decide } from '../../../src/core/session/decide.ts';
import type { SessionAggregate } from '../../../src/core/session/state.ts';
import {
  ask,
  at,
  backend,
  createsChat,
  endsTurn,
  given,
  lead,
  refused,
  says,
  startsTurn,
  stranger,
  task,
  tutorial,
  when,
} from './story.ts';

const replies = (content: string) => ({ status: 'completed' as const, content });

function historyOf({ chats }: SessionAggregate, chatId: string) {
  return findChat(chats, chatId)?.history.map(({ role, content }) => `${role}: ${content}`);
}

/** Two chats, the first with one turn behind it. */
const talking = given(
  tutorial(),
  createsChat('chat_1'),
  createsChat('chat_2'),
  startsTurn('chat_1', 'turn_1', 'Hello!'),
  endsTurn('chat_1', 'turn_1', replies('Hi.')),
);

describe('a new chat', () => {
  it('is the active one if it is the first, and empty', () => {
    const { chats } = given(tutorial(), createsChat('chat_1'), createsChat('chat_2'));
    expect(chats.all.map((one) => chatOf(chats, one, 'sess_1'))).toMatchObject([
      { chat_id: 'chat_1', active: true, state: 'idle', turns: 0, created_at: at(0) },
      { chat_id: 'chat_2', active: false, state: 'idle', turns: 0 },
    ]);
    expect(historyOf(given(tutorial(), createsChat('chat_1')), 'chat_1')).toEqual([]);
  });

  it('is refused under an id that is taken, and beyond the limit until one is deleted', () => {
    expect(() => decide(talking, createsChat('chat_1'))).toThrow(refused('CHAT_EXISTS'));
    const third = createsChat('chat_3', { max_chats: 2 });
    expect(() => decide(talking, third)).toThrow(refused('CHAT_LIMIT'));
    const { state } = when(talking, ask({ type: 'delete_chat', chat_id: 'chat_2' }));
    expect(when(state, third).types[0]).toBe('chat_created');
    expect(when(talking, createsChat('chat_3', { max_chats: 0 })).types[0]).toBe('chat_created');
  });
});

describe('a chat with an agent of the bus', () => {
  it('takes part in the session together with its agent, until it is deleted', () => {
    const { state, types } = when(talking, createsChat('chat_3', { partner: { kind: 'agent', agent_id: stranger } }));
    expect(types).toEqual(['chat_created', 'participant_added', 'participant_added']);
    const active = (one: SessionAggregate) =>
      one.session.participants.filter(({ status }) => status === 'active').map(({ agent_id }) => agent_id);
    expect(active(state)).toEqual(expect.arrayContaining(['chat://chat_3', stranger]));
    const { state: after, types: last } = when(state, ask({ type: 'delete_chat', chat_id: 'chat_3' }));
    expect(last).toEqual(['participant_removed', 'chat_deleted']);
    expect(active(after)).toContain(stranger);
    // Not even as one who left: a session would keep one for every chat that it ever had.
    expect(after.session.participants.map(({ agent_id }) => agent_id)).not.toContain('chat://chat_3');
  });

  it('is not made where the session is full', () => {
    const full = createsChat('chat_3', { max_participants: 6 });
    expect(() => decide(talking, full)).toThrow(refused('PARTICIPANT_LIMIT'));
  });
});

describe('a turn with an agent of the bus', () => {
  const asked = given(
    tutorial(),
    createsChat('chat_1'),
    startsTurn('chat_1', 'turn_1'),
    says('turn_1', 'task_request', 'chat://chat_1', backend, { metadata: { task_id: 'turn_1' } }),
  );

  it.each(['failed', 'aborted', 'timed_out', 'interrupted'] as const)(
    'that is %s takes its open task along',
    (status) => {
      const { state, types } = when(asked, endsTurn('chat_1', 'turn_1', { status }));
      expect(types).toEqual(['chat_turn_ended', 'task_updated']);
      expect(task(state, 'turn_1').status).toBe('cancelled');
    },
  );

  it('takes it along with its chat as well', () => {
    const { state } = when(asked, ask({ type: 'delete_chat', chat_id: 'chat_1' }));
    expect(task(state, 'turn_1').status).toBe('cancelled');
  });

  it('that has its reply completes its task, also where the answer came from outside of the session', () => {
    const { state, types } = when(asked, endsTurn('chat_1', 'turn_1', replies('Hi.')));
    expect(types).toEqual(['chat_turn_ended', 'task_updated']);
    expect(task(state, 'turn_1')).toMatchObject({ status: 'completed', result: 'Hi.' });
  });

  it('is answered by what is addressed to its chat only', () => {
    const metadata = { task_id: 'turn_1', in_reply_to: 'turn_1' };
    for (const type of ['status_update', 'task_response', 'error'] as const) {
      const { state, types } = when(asked, says('a1', type, backend, lead, { metadata }));
      expect([type, types]).toEqual([type, ['message_recorded']]);
      expect(task(state, 'turn_1').status).toBe('pending');
    }
    const { state } = when(asked, says('a2', 'task_response', backend, 'chat://chat_1', { metadata }));
    expect(task(state, 'turn_1').status).toBe('completed');
  });

  it('is refused while its agent takes no part in the session', () => {
    const gone = given(tutorial(), createsChat('chat_1'), ask({ type: 'remove_participant', agent_id: backend }));
    expect(() => decide(gone, startsTurn('chat_1', 'turn_1'))).toThrow(refused('NOT_A_PARTICIPANT'));
    const { state } = when(
      gone,
      ask({ type: 'add_participant', participant: { agent_id: backend }, max_participants: 9 }),
    );
    expect(when(state, startsTurn('chat_1', 'turn_1')).types).toEqual(['chat_turn_started']);
  });

  it('is refused where the session has no message left for the reply', () => {
    const model = { kind: 'model' as const, agent: { name: 'm', defaultModel: { provider: 'p', model: 'm' } } };
    const withBudget = (message_budget: number) =>
      given(
        tutorial({ message_budget }),
        createsChat('chat_1'),
        createsChat('chat_2', { partner: model }),
        says('m1', 'status_update', backend, lead),
      );
    expect(() => decide(withBudget(2), startsTurn('chat_1', 'turn_1'))).toThrow(refused('BUDGET_EXHAUSTED'));
    expect(when(withBudget(3), startsTurn('chat_1', 'turn_1')).types).toEqual(['chat_turn_started']);
    // What a model says is no message.
    expect(when(withBudget(1), startsTurn('chat_2', 'turn_1')).types).toEqual(['chat_turn_started']);
  });

  it('leaves a task that is over as it is, and that of others', () => {
    const answered = when(asked, says('a1', 'task_response', backend, 'chat://chat_1')).state;
    expect(when(answered, endsTurn('chat_1', 'turn_1', replies('Hi.'))).types).toEqual(['chat_turn_ended']);
    const model = { kind: 'model' as const, agent: { name: 'm', defaultModel: { provider: 'p', model: 'm' } } };
    const other = given(
      tutorial(),
      createsChat('chat_2', { partner: model }),
      startsTurn('chat_2', 'turn_2'),
      says('m1', 'task_request', lead, backend, { metadata: { task_id: 'turn_2' } }),
    );
    expect(when(other, endsTurn('chat_2', 'turn_2', { status: 'failed' })).types).toEqual(['chat_turn_ended']);
  });
});

describe('switching', () => {
  it('makes another chat the active one, and that one again changes nothing', () => {
    const { state, types } = when(talking, ask({ type: 'switch_chat', chat_id: 'chat_2' }));
    expect(types).toEqual(['chat_switched']);
    expect(state.chats.active).toBe('chat_2');
    expect(when(state, ask({ type: 'switch_chat', chat_id: 'chat_2' })).types).toEqual([]);
  });

  it('to a chat that the session does not have is refused', () => {
    expect(() => decide(talking, ask({ type: 'switch_chat', chat_id: 'chat_9' }))).toThrow(refused('CHAT_NOT_FOUND'));
  });
});

describe('a deleted chat', () => {
  it('takes its history with it, and leaves none active where it was', () => {
    const { state } = when(talking, ask({ type: 'delete_chat', chat_id: 'chat_1' }));
    expect(state.chats.all.map((one) => one.chat_id)).toEqual(['chat_2']);
    expect(state.chats.active).toBeUndefined();
    expect(() => decide(state, startsTurn('chat_1', 'turn_2'))).toThrow(refused('CHAT_NOT_FOUND'));
  });

  it('gets no answer any more', () => {
    const { state: asked } = when(talking, startsTurn('chat_1', 'turn_2'));
    const { state } = when(asked, ask({ type: 'delete_chat', chat_id: 'chat_1' }));
    expect(when(state, endsTurn('chat_1', 'turn_2', replies('Too late.'))).types).toEqual([]);
  });
});

describe('a turn', () => {
  it('is remembered with its reply, and its time', () => {
    expect(findChat(talking.chats, 'chat_1')).toMatchObject({
      turns: 1,
      history: [
        { role: 'user', content: 'Hello!', at: at(1), turn_id: 'turn_1' },
        { role: 'assistant', content: 'Hi.', at: at(2), turn_id: 'turn_1' },
      ],
    });
    expect(historyOf(talking, 'chat_2')).toEqual([]);
  });

  it('is the only one of its chat, and others go on beside it', () => {
    const { state } = when(talking, startsTurn('chat_1', 'turn_2'));
    expect(() => decide(state, startsTurn('chat_1', 'turn_3'))).toThrow(refused('CHAT_BUSY'));
    expect(when(state, startsTurn('chat_2', 'turn_3')).types).toEqual(['chat_turn_started']);
  });

  it('that fails is on record, and leaves the history as it was', () => {
    const error = { code: 'PROVIDER_FAILED', message: 'The provider answered 500.' };
    const { state: asked } = when(talking, startsTurn('chat_1', 'turn_2', 'And now?'));
    const { state, events } = when(asked, endsTurn('chat_1', 'turn_2', { status: 'failed', error }));
    expect(events).toEqual([
      { type: 'chat_turn_ended', data: { chat_id: 'chat_1', turn_id: 'turn_2', status: 'failed', error } },
    ]);
    expect(historyOf(state, 'chat_1')).toEqual(['user: Hello!', 'assistant: Hi.']);
    expect(when(state, startsTurn('chat_1', 'turn_3')).types).toEqual(['chat_turn_started']);
  });

  it('ends once', () => {
    expect(when(talking, endsTurn('chat_1', 'turn_1', replies('Hi again.'))).types).toEqual([]);
    const { state } = when(talking, startsTurn('chat_1', 'turn_2'));
    expect(when(state, endsTurn('chat_1', 'turn_1', replies('Hi again.'))).types).toEqual([]);
  });

  it('that is open when the session ends is aborted first', () => {
    const { state } = when(talking, startsTurn('chat_2', 'turn_2'));
    for (const end of [
      ask({ type: 'complete_session' }),
      ask({ type: 'terminate_session', reason: 'enough' }),
      ask({ type: 'expire', at: at(99), idle_since: at(99) }),
    ]) {
      const { events } = when(state, end);
      const aborted = { chat_id: 'chat_2', turn_id: 'turn_2', status: 'aborted' };
      expect(events[0]).toEqual({ type: 'chat_turn_ended', data: aborted });
    }
  });
});

describe('the history', () => {
  it('forgets the oldest turn beyond its limit, and keeps counting', () => {
    let state = given(tutorial(), createsChat('chat_1', { history_limit: 4 }));
    for (const number of [1, 2, 3]) {
      state = when(state, startsTurn('chat_1', `turn_${number}`, `${number}?`)).state;
      state = when(state, endsTurn('chat_1', `turn_${number}`, replies(`${number}!`))).state;
    }
    expect(historyOf(state, 'chat_1')).toEqual(['user: 2?', 'assistant: 2!', 'user: 3?', 'assistant: 3!']);
    expect(findChat(state.chats, 'chat_1')?.turns).toBe(3);
  });

  it('is cleared, but for the turn that is open', () => {
    const { state: asked } = when(talking, startsTurn('chat_1', 'turn_2', 'Still there?'));
    const { state: cleared, types } = when(asked, ask({ type: 'clear_chat_history', chat_id: 'chat_1' }));
    expect(types).toEqual(['chat_history_cleared']);
    const { state } = when(cleared, endsTurn('chat_1', 'turn_2', replies('Yes.')));
    expect(historyOf(state, 'chat_1')).toEqual(['user: Still there?', 'assistant: Yes.']);
    expect(when(given(tutorial(), createsChat('c')), ask({ type: 'clear_chat_history', chat_id: 'c' })).types).toEqual(
      [],
    );
  });
});
