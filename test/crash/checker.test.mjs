import { describe, expect, it } from 'vitest';
import { check } from './checker.mjs';
import { cleanRun, delivery, receipt, send } from './forged-history.mjs';

/** What the checker says of the clean run after `spoil`, as "I1 m1". @param {(run: ReturnType<typeof cleanRun>) => void} spoil */
function breaches(spoil) {
  const run = cleanRun();
  spoil(run);
  return [...new Set(check(run.history, run.final).map(({ invariant, id }) => `${invariant} ${id}`))];
}

/** @param {ReturnType<typeof cleanRun>} run @param {string} kind @param {string} id @param {any} changes */
function change({ history }, kind, id, changes) {
  const event = history.find((one) => one.kind === kind && (one.id === id || one.ids?.includes(id)));
  Object.assign(event, changes);
}

/** @param {ReturnType<typeof cleanRun>} run @param {(event: any) => boolean} before @param {any[]} events */
function insertBefore({ history }, before, ...events) {
  history.splice(history.findIndex(before), 0, ...events);
}

const isExit = (/** @type {any} */ event) => event.kind === 'exit';

describe('a clean history', () => {
  it('has no violations', () => {
    expect(breaches(() => undefined)).toEqual([]);
  });

  it('may hold an unanswered message that was stored after all', () => {
    expect(
      breaches((run) => {
        run.final.messages.m5 = { status: 'acknowledged', recipient: 'b', hash: 'hash of m5' };
        insertBefore(run, isExit, delivery('m5', 1), { kind: 'ack', ids: ['m5'], agent: 'b' });
      }),
    ).toEqual([]);
  });
});

describe('I1, nothing accepted is lost', () => {
  it('reports an accepted message that the ledger does not know', () => {
    expect(breaches(({ final }) => (final.messages.m1 = null))).toEqual(['I1 m1']);
  });

  it('reports an accepted message that is still queued after the drain', () => {
    expect(breaches(({ final }) => (final.messages.m1.status = 'queued'))).toEqual(['I1 m1']);
  });

  it('reports a message that is settled and was delivered to nobody', () => {
    const spoil = (/** @type {any} */ run) => {
      run.history = run.history.filter((/** @type {any} */ { kind, id }) => kind !== 'delivery' || id !== 'm1');
    };
    expect(breaches(spoil)).toEqual(['I1 m1']);
  });

  it('reports a message that is settled and was acked by nobody', () => {
    expect(breaches((run) => change(run, 'ack', 'm2', { ids: [] }))).toEqual(['I1 m2']);
  });

  it('reports a death without a reason', () => {
    expect(breaches(({ final }) => (final.messages.m4.reason = ''))).toEqual(['I1 m4']);
  });

  it('reports a death that no recipient asked for', () => {
    const spoil = (/** @type {any} */ run) =>
      Object.assign(run.final.messages.m1, { status: 'dead', reason: 'damaged' });
    expect(breaches(spoil)).toEqual(['I1 m1']);
  });
});

describe('I2, one copy for each id', () => {
  it('reports a repeat that was accepted as new', () => {
    const spoil = (/** @type {any} */ { history }) => {
      history.find((/** @type {any} */ { duplicate }) => duplicate).duplicate = false;
    };
    expect(breaches(spoil)).toEqual(['I2 m1']);
  });

  it('reports other content accepted under a known id', () => {
    const spoil = (/** @type {any} */ { history }) => {
      const refused = history.find((/** @type {any} */ { code }) => code === 'MESSAGE_ID_CONFLICT');
      Object.assign(refused, { result: 'ok', duplicate: true });
    };
    expect(breaches(spoil)).toEqual(['I2 m1']);
  });

  it('reports a first sending that was called a duplicate', () => {
    expect(breaches((run) => change(run, 'receipt', 'm4', { duplicate: true }))).toEqual(['I2 m4']);
  });
});

describe('I3, nothing comes again after its end was confirmed', () => {
  it('reports a delivery after a confirmed ack, in the same run or a later one', () => {
    expect(breaches((run) => insertBefore(run, isExit, delivery('m1', 2)))).toEqual(['I3 m1']);
  });

  it('reports a delivery after a confirmed giving up', () => {
    expect(breaches((run) => insertBefore(run, isExit, delivery('m4', 2)))).toEqual(['I3 m4']);
  });

  it('takes an ack without an answer for no confirmation', () => {
    expect(breaches((run) => insertBefore(run, isExit, delivery('m2', 3)))).toEqual([]);
  });
});

describe('I4, first offers keep their order', () => {
  it('reports a message that was overtaken by one sent after its acceptance', () => {
    const spoil = (/** @type {any} */ run) => {
      insertBefore(
        run,
        ({ kind, id }) => kind === 'delivery' && id === 'm1',
        send('m6'),
        receipt('m6'),
        delivery('m6', 1),
      );
      run.final.messages.m6 = { ...run.final.messages.m1, hash: 'hash of m6' };
      insertBefore(run, isExit, { kind: 'ack', ids: ['m6'], agent: 'b' });
    };
    expect(breaches(spoil)).toEqual(['I4 m1']);
  });

  it('reports a message that was overtaken by a later one of the same connection', () => {
    const spoil = (/** @type {any} */ run) => {
      for (const id of ['m6', 'm7']) run.final.messages[id] = { ...run.final.messages.m1, hash: `hash of ${id}` };
      const sends = [
        { ...send('m6'), connection: 'c' },
        { ...send('m7'), connection: 'c' },
      ];
      const acks = { kind: 'ack', ids: ['m6', 'm7'], agent: 'b' };
      insertBefore(run, isExit, ...sends, receipt('m6'), receipt('m7'), delivery('m7', 1), delivery('m6', 1), acks);
    };
    expect(breaches(spoil)).toEqual(['I4 m6']);
  });

  it('lets a higher priority overtake', () => {
    const spoil = (/** @type {any} */ run) => {
      const urgent = { ...send('m6'), priority: 'high' };
      insertBefore(run, ({ kind, id }) => kind === 'delivery' && id === 'm1', urgent, receipt('m6'), delivery('m6', 1));
      run.final.messages.m6 = { ...run.final.messages.m1, hash: 'hash of m6' };
      insertBefore(run, isExit, { kind: 'ack', ids: ['m6'], agent: 'b' });
    };
    expect(breaches(spoil)).toEqual([]);
  });

  it('reports an attempt number that does not grow', () => {
    expect(breaches((run) => insertBefore(run, ({ kind }) => kind === 'crash', delivery('m2', 1)))).toEqual(['I4 m2']);
  });

  it('reports one that does not grow over a crash', () => {
    const isSecond = (/** @type {any} */ { kind, id, attempt }) => kind === 'delivery' && id === 'm2' && attempt === 2;
    expect(breaches((run) => insertBefore(run, isSecond, delivery('m2', 1)))).toEqual(['I4 m2']);
  });
});

describe('I5, what is delivered is what was sent, to whom it was sent', () => {
  it('reports a message that nobody sent', () => {
    expect(breaches((run) => insertBefore(run, isExit, delivery('ghost', 1)))).toEqual(['I5 ghost']);
  });

  it('reports a message that came before it was sent', () => {
    const spoil = (/** @type {any} */ run) => insertBefore(run, ({ kind }) => kind === 'session', delivery('m1', 1));
    expect(breaches(spoil)).toContain('I5 m1');
  });

  it('reports altered content', () => {
    expect(breaches((run) => change(run, 'delivery', 'm1', { hash: 'other' }))).toEqual(['I5 m1']);
  });

  it('reports altered content in the ledger', () => {
    expect(breaches(({ final }) => (final.messages.m1.hash = 'other'))).toEqual(['I5 m1']);
  });

  it('reports a wrong recipient', () => {
    expect(breaches((run) => change(run, 'delivery', 'm1', { agent: 'c' }))).toEqual(['I5 m1']);
  });
});

describe('I6, a task ends once', () => {
  it('reports a second end', () => {
    const spoil = (/** @type {any} */ { final }) => {
      const { tasks, events } = final.sessions.s;
      events[3] = { id: '4', type: 'task_updated', data: { task_id: 't3', status: 'failed', result: 0 } };
      Object.assign(tasks[0], { status: 'failed', result: 0 });
    };
    expect(breaches(spoil)).toContain('I6 t3');
  });

  it('reports a late answer that changed the result', () => {
    expect(breaches(({ final }) => (final.sessions.s.tasks[0].result = 43))).toEqual(['I6 t3']);
  });

  it('reports an accepted request without a task', () => {
    const spoil = (/** @type {any} */ { final }) => {
      final.sessions.s.tasks = [];
    };
    expect(breaches(spoil)).toContain('I6 m3');
  });

  it('reports a request with two tasks', () => {
    const spoil = (/** @type {any} */ { final }) => {
      const { tasks, events } = final.sessions.s;
      events.push(
        { id: '5', type: 'task_delegated', data: { task: { task_id: 't4', status: 'pending' } } },
        { id: '6', type: 'task_updated', data: { task_id: 't4', status: 'completed', result: 42 } },
      );
      tasks.push({ ...tasks[0], task_id: 't4' });
    };
    expect(breaches(spoil)).toContain('I6 m3');
  });

  it('reports an accepted answer whose task is open', () => {
    const spoil = (/** @type {any} */ { final }) => {
      const { tasks, events } = final.sessions.s;
      events.splice(2, 2);
      Object.assign(tasks[0], { status: 'pending', result: undefined });
    };
    expect(breaches(spoil)).toEqual(['I6 r1', 'I6 r2']);
  });

  it('reports a gap in the events', () => {
    expect(breaches(({ final }) => final.sessions.s.events.splice(3, 1, { id: '5', type: 'x', data: {} }))).toEqual([
      'I6 5',
    ]);
  });

  it('reports a session that is gone', () => {
    expect(breaches(({ final }) => (final.sessions.s = null))).toContain('I6 s');
  });
});

describe('I7, nothing is confirmed after a failed flush', () => {
  const failure = { kind: 'receipt', id: 'm9', attempt: 1, result: 'err', code: 'STORE_FAILED' };

  it('reports a message that was sent and accepted after a refusal for a failed store', () => {
    const spoil = (/** @type {any} */ run) => {
      insertBefore(run, ({ kind, id }) => kind === 'send' && id === 'm4', send('m9'), failure);
    };
    expect(breaches(spoil)).toContain('I7 m4 1');
  });

  it('reports a message that was sent and accepted after the fault', () => {
    expect(breaches(({ history }) => history.push({ kind: 'fault', name: 'fdatasync', t: 2_950 }))).toContain(
      'I7 m4 1',
    );
  });

  it('reports an ack that was asked for and confirmed after the fault', () => {
    expect(breaches(({ history }) => history.push({ kind: 'fault', name: 'fdatasync', t: 2_750 }))).toContain(
      'I7 m3 ack',
    );
  });

  it('reports a process that ends as if nothing had failed', () => {
    const spoil = (/** @type {any} */ run) => insertBefore(run, isExit, send('m9'), failure);
    expect(breaches(spoil)).toEqual(['I7 -']);
  });

  it('lets what was confirmed before stand', () => {
    const spoil = (/** @type {any} */ run) => {
      insertBefore(run, isExit, send('m9'), failure);
      run.history.find(isExit).code = 1;
    };
    expect(breaches(spoil)).toEqual([]);
  });
});
