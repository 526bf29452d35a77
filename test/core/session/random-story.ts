// Sessions made up at random: whatever may be asked of one, in any order.
import fc from 'fast-check';
import type { SessionCommand } from '../../../src/core/session/commands.ts';
import { execute } from '../../../src/core/session/decide.ts';
import type { SessionAggregate } from '../../../src/core/session/state.ts';
import { BusError } from '../../../src/protocol/errors.ts';
import type { SessionEvent } from '../../../src/protocol/types.gen.ts';
import {
  ask,
  at,
  backend,
  createsChat,
  endsTurn,
  frontend,
  lead,
  qa,
  says,
  startsTurn,
  stranger,
  tutorial,
} from './story.ts';

const agent = fc.constantFrom(lead, backend, frontend, qa, stranger);
const step = fc.constantFrom('design', 'implementation', 'review', 'release');
const taskId = fc.constantFrom('task_m0', 'task_m1', 'task_m2', 'task_m3', 't0', 't1', 't2');
const messageId = fc.integer({ min: 0, max: 14 }).map((number) => `m${number}`);
const second = fc.integer({ min: 1, max: 100 });
const steps = fc.uniqueArray(step, { maxLength: 3 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });

/** Only the fields that have a value. */
type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const present = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>;

const message = fc
  .record({
    id: messageId,
    type: fc.constantFrom(
      'task_request' as const,
      'task_request' as const,
      'task_response' as const,
      'task_response' as const,
      'status_update' as const,
      'error' as const,
    ),
    from: agent,
    to: agent,
    metadata: maybe(fc.record({ task_id: maybe(taskId), in_reply_to: maybe(messageId), step: maybe(step) })),
    payload: fc.constantFrom({}, { v: 1, confidence: 0.5 }, { v: 2, w: [1] }, 'text'),
    deadline: second,
  })
  .map(({ id, type, from, to, metadata, payload, deadline }) =>
    says(id, type, from, to, { payload, deadline: at(deadline), ...(metadata ? { metadata: present(metadata) } : {}) }),
  );

const update = fc.record({
  current_step: maybe(fc.option(step)),
  completed_steps: maybe(steps),
  pending_steps: maybe(steps),
});

const chatId = fc.constantFrom('chat_1', 'chat_2', 'chat_3');
const turnId = fc.constantFrom('turn_1', 'turn_2');
const chatCommand: fc.Arbitrary<SessionCommand> = fc.oneof(
  chatId.map((id) => createsChat(id, { max_chats: 2, history_limit: 4, max_participants: 5 })),
  chatId.map((chat_id) => ask({ type: 'switch_chat', chat_id })),
  chatId.map((chat_id) => ask({ type: 'delete_chat', chat_id })),
  chatId.map((chat_id) => ask({ type: 'clear_chat_history', chat_id })),
  { weight: 4, arbitrary: fc.tuple(chatId, turnId).map(([chat, turn]) => startsTurn(chat, turn)) },
  {
    weight: 4,
    arbitrary: fc
      .record({ chat: chatId, turn: turnId, status: fc.constantFrom('completed' as const, 'failed' as const) })
      .map(({ chat, turn, status }) => endsTurn(chat, turn, { status, content: 'Hi.' })),
  },
);

export const command: fc.Arbitrary<SessionCommand> = fc.oneof(
  { weight: 12, arbitrary: message },
  agent.map((agent_id) => ask({ type: 'add_participant', participant: { agent_id }, max_participants: 5 })),
  agent.map((agent_id) => ask({ type: 'remove_participant', agent_id })),
  { weight: 2, arbitrary: update.map((changes) => ask({ type: 'update_workflow', update: present(changes) })) },
  fc.constant(ask({ type: 'advance_workflow' })),
  fc
    .record({ mode: fc.constantFrom('merge' as const, 'replace' as const), a: fc.option(fc.integer()) })
    .map(({ mode, a }) => ask({ type: 'update_context', mode, context: { a, b: 1 } })),
  fc
    .record({ task_id: taskId, delegatee: agent, deadline: second })
    .map(({ task_id, delegatee, deadline }) =>
      ask({ type: 'delegate_task', task_id, delegatee, task_type: 'task', priority: 'low', deadline: at(deadline) }),
    ),
  {
    weight: 3,
    arbitrary: fc
      .record({
        task_id: taskId,
        status: fc.constantFrom('in_progress' as const, 'completed' as const, 'failed' as const, 'cancelled' as const),
      })
      .map((change) => ask({ type: 'update_task', ...change })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        message_id: messageId,
        delegatee: agent,
        deadline: second,
        fallback_agents: fc.subarray([qa, stranger]),
      })
      .map(({ deadline, ...rest }) =>
        ask({ type: 'reassign_task', reason: 'fallback: given up', deadline: at(deadline), ...rest }),
      ),
  },
  messageId.map((message_id) => ask({ type: 'report_retry', message_id, outcome: 'nacked' })),
  fc
    .tuple(agent, messageId)
    .map(([agent_id, id]) => ask({ type: 'report_withdrawn_messages', agent_id, message_ids: [id] })),
  { weight: 3, arbitrary: chatCommand },
  messageId.map((message_id) => ask({ type: 'report_dead_message', message_id, reason: 'expired' })),
  fc
    .record({ now: second, undelegable: fc.subarray(['task_m0', 'task_m1', 'task_m2']) })
    .map(({ now, undelegable }) => ask({ type: 'expire', at: at(now), idle_since: at(-1), undelegable })),
);

const ending: fc.Arbitrary<SessionCommand> = fc.constantFrom(
  ask({ type: 'complete_session', summary: 'done' }),
  ask({ type: 'terminate_session', reason: 'enough' }),
  ask({ type: 'expire', at: at(200), idle_since: at(200) }),
);

/** Two steps in a row that depend on each other, one that does not, and one that many must work in. */
const beginning = tutorial({
  steps: [
    { name: 'design', required_agents: [lead] },
    { name: 'implementation', required_agents: [backend, frontend] },
    { name: 'review', required_agents: [qa], dependencies: ['implementation'] },
    { name: 'release', required_agents: [] },
  ],
});

export interface Told {
  state: SessionAggregate;
  events: readonly SessionEvent[];
}

/** Runs a command; a refusal must be a coded one and leaves everything as it was. */
export function run(told: Told, next: SessionCommand): Told {
  try {
    const { state, events } = execute(told.state, next);
    return { state: state ?? told.state, events: [...told.events, ...events] };
  } catch (error) {
    if (error instanceof BusError) return told;
    throw error;
  }
}

export function begin(): Told {
  const { state, events } = execute(undefined, beginning);
  if (!state) throw new Error('a session is created');
  return { state, events };
}

/** A story that ends, and what is asked of it afterwards. */
export const withEnd = fc
  .tuple(fc.array(command, { maxLength: 30 }), ending, fc.array(fc.oneof(command, ending), { maxLength: 15 }))
  .map(([first, end, rest]) => [...first, end, ...rest]);
