// I6: a task ends once, and late answers change nothing; no task of an accepted request is lost.
import { isDeepStrictEqual } from 'node:util';

/** @typedef {import('./checker.mjs').Violation} Violation */
/** @typedef {import('./checker.mjs').StoredSession} StoredSession */

const ended = new Set(['completed', 'failed', 'timeout', 'cancelled']);

/**
 * @param {import('./message-index.mjs').MessageIndex} index
 * @param {readonly import('./history.mjs').HistoryEvent[]} history
 * @param {import('./checker.mjs').Final} final
 * @returns {Violation[]}
 */
export function checkTasks({ messages }, history, final) {
  /** @type {Violation[]} */
  const violations = [];
  for (const event of history) {
    if (event.kind !== 'session' || event.result !== 'ok' || final.sessions[event.id]) continue;
    violations.push({ invariant: 'I6', id: event.id, text: 'was created as a session, and is gone' });
  }
  for (const session of Object.values(final.sessions)) if (session) violations.push(...checkEvents(session));
  for (const message of messages.values()) {
    const { session, role, request } = message.sends[0]?.event.task ?? {};
    if (session === undefined || message.receipts.length === 0) continue;
    const tasks = final.sessions[session]?.tasks ?? [];
    const about = role === 'request' ? message.id : request;
    const found = tasks.filter((task) => task.message_id === about);
    const text = faultOf(role, found, message.receipts);
    if (text) violations.push({ invariant: 'I6', id: message.id, text });
  }
  return violations;
}

/**
 * @param {'request' | 'response' | undefined} role
 * @param {import('./checker.mjs').StoredTask[]} tasks Those of the request.
 * @param {import('./message-index.mjs').Message['receipts']} receipts
 */
function faultOf(role, tasks, receipts) {
  const [task] = tasks;
  if (!task) return role === 'request' ? 'was accepted as a request, and has no task' : 'answers a task that is gone';
  if (tasks.length > 1) return `has ${tasks.length} tasks`;
  if (role === 'response') {
    return ended.has(task.status) ? undefined : `was accepted as an answer, and its task is ${task.status}`;
  }
  const told = receipts.find((receipt) => receipt.task !== undefined && receipt.task !== task.task_id);
  return told && `was receipted as task ${told.task}, and is task ${task.task_id}`;
}

/** @param {StoredSession} session @returns {Violation[]} */
function checkEvents({ tasks, events }) {
  /** @type {Violation[]} */
  const violations = [];
  /** @type {Map<string, { status: string, result: unknown }>} */
  const seen = new Map();
  for (const [index, { id, type, data }] of events.entries()) {
    if (Number(id) !== index + 1) {
      violations.push({ invariant: 'I6', id, text: `is where event ${index + 1} of the session should be` });
      break;
    }
    if (type === 'task_delegated') {
      const { task_id } = data.task;
      if (seen.has(task_id)) violations.push({ invariant: 'I6', id: task_id, text: 'was delegated twice' });
      seen.set(task_id, { status: data.task.status, result: undefined });
    } else if (type === 'task_updated') {
      const before = seen.get(data.task_id);
      if (!before) violations.push({ invariant: 'I6', id: data.task_id, text: 'moved, and was never delegated' });
      else if (ended.has(before.status)) {
        violations.push({ invariant: 'I6', id: data.task_id, text: `became ${data.status} after ${before.status}` });
      } else seen.set(data.task_id, { status: data.status, result: data.result });
    }
  }
  for (const { task_id, status, result } of tasks) {
    const last = seen.get(task_id);
    if (last?.status === status && isDeepStrictEqual(last.result, result)) continue;
    violations.push({ invariant: 'I6', id: task_id, text: 'is not what its events say' });
  }
  return violations;
}
