// A small clean history and its ledger, for the checker's own tests: each test spoils one thing.

/**
 * One message is sent over HTTP, delivered, acked; a second waits out a crash, comes twice and is acked over a socket; a third
 * is a request in a session, answered twice; a fourth is given up; a fifth got no answer and was never stored.
 * @returns {{ history: any[], final: { messages: Record<string, any>, sessions: Record<string, any> } }}
 */
export function cleanRun() {
  const task = { session: 's', role: 'request' };
  const answer = { session: 's', role: 'response', request: 'm3' };
  const history = [
    { kind: 'start' },
    { kind: 'session', id: 's', result: 'ok' },
    send('m1'),
    receipt('m1'),
    send('m2'),
    { ...receipt('m2'), result: 'unknown' },
    { ...send('m1', 2) },
    { ...receipt('m1', 2), duplicate: true },
    { ...send('m1', 3), conflict: true, hash: 'other' },
    { ...receipt('m1', 3), result: 'err', code: 'MESSAGE_ID_CONFLICT' },
    delivery('m1', 1),
    { kind: 'ack', ids: ['m1'], agent: 'b' },
    { kind: 'acked', ids: ['m1'], agent: 'b', result: 'ok' },
    delivery('m2', 1),
    { kind: 'crash' },
    { kind: 'start' },
    delivery('m2', 2),
    { kind: 'ack', ids: ['m2'], agent: 'b' },
    { kind: 'acked', ids: ['m2'], agent: 'b', result: 'unknown' },
    { ...send('m3'), task },
    { ...receipt('m3'), task: 't3' },
    delivery('m3', 1),
    { ...send('r1'), task: answer, recipient: 'a' },
    receipt('r1'),
    { ...send('r2'), task: answer, recipient: 'a' },
    receipt('r2'),
    { ...delivery('r1', 1), agent: 'a' },
    { ...delivery('r2', 1), agent: 'a' },
    { kind: 'ack', ids: ['m3', 'r1', 'r2'], agent: '-' },
    { kind: 'acked', ids: ['m3', 'r1', 'r2'], agent: '-', result: 'ok' },
    send('m4'),
    receipt('m4'),
    delivery('m4', 1),
    { kind: 'nack', id: 'm4', agent: 'b', giveUp: true },
    { kind: 'nacked', id: 'm4', agent: 'b', giveUp: true, result: 'ok' },
    send('m5'),
    { ...receipt('m5'), result: 'unknown' },
    { kind: 'exit', code: 0, signal: null },
  ];
  const tasks = [{ task_id: 't3', message_id: 'm3', status: 'completed', result: 42 }];
  const events = [
    { id: '1', type: 'session_created', data: {} },
    { id: '2', type: 'task_delegated', data: { task: { task_id: 't3', status: 'pending' } } },
    { id: '3', type: 'task_updated', data: { task_id: 't3', status: 'completed', result: 42 } },
    { id: '4', type: 'task_answered_late', data: { task_id: 't3' } },
  ];
  const messages = {
    ...{ m1: stored('m1'), m2: stored('m2'), m3: stored('m3'), m5: null },
    m4: { ...stored('m4'), status: 'dead', reason: 'given up' },
    r1: { ...stored('r1'), recipient: 'a' },
    r2: { ...stored('r2'), recipient: 'a' },
  };
  return {
    history: history.map((event, t) => ({ t: t * 100, ...event })),
    final: { messages, sessions: { s: { tasks, events } } },
  };
}

/** @param {string} id @param {number} [attempt] */
export function send(id, attempt = 1) {
  const to = { recipient: 'b', priority: 'medium', connection: `c-${id}` };
  return { kind: 'send', id, attempt, ...to, hash: `hash of ${id}` };
}

/** @param {string} id @param {number} [attempt] */
export function receipt(id, attempt = 1) {
  return { kind: 'receipt', id, attempt, result: 'ok' };
}

/** @param {string} id @param {number} attempt */
export function delivery(id, attempt) {
  return { kind: 'delivery', id, agent: 'b', door: 'http', hash: `hash of ${id}`, attempt };
}

/** @param {string} id */
function stored(id) {
  return { status: 'acknowledged', recipient: 'b', hash: `hash of ${id}`, reason: undefined };
}
