import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/core/session/decide.ts';
import type { Handover } from '../../../src/protocol/types.gen.ts';
import { answers, ask, asks, at, backend, frontend, given, lead, says, task, tutorial } from './story.ts';

const began = (id: string, from: string, seconds: number) =>
  says(id, 'status_update', from, lead, { at: at(seconds), metadata: { in_reply_to: 'm1' } });

const retry = (seconds: number, reason?: string) =>
  ask({
    type: 'report_retry',
    message_id: 'm1',
    outcome: 'nacked',
    at: at(seconds),
    ...(reason !== undefined && { reason }),
  });

const goesOn = (delegatee: string, seconds: number) =>
  ask({
    type: 'reassign_task',
    message_id: 'm1',
    delegatee,
    reason: `fallback: given up: ${seconds}`,
    deadline: at(600),
    fallback_agents: [],
    at: at(seconds),
  });

describe('a task', () => {
  it('keeps when its delegatee first said that it works on it', () => {
    const asked = given(tutorial(), asks('m1', backend));
    expect(task(asked, 'task_m1')).not.toHaveProperty('started_at');
    const working = given(tutorial(), asks('m1', backend), began('s1', backend, 5), began('s2', backend, 9));
    expect(task(working, 'task_m1').started_at).toBe(at(5));
    const byHand = ask({ type: 'update_task', task_id: 'task_m1', status: 'in_progress', at: at(12) });
    const toldTwice = given(tutorial(), asks('m1', backend), began('s1', backend, 5), byHand);
    expect(task(toldTwice, 'task_m1')).toMatchObject({ started_at: at(5), updated_at: at(12) });
    const done = given(tutorial(), asks('m1', backend), began('s1', backend, 5), answers('r1', backend));
    expect(task(done, 'task_m1').started_at).toBe(at(5));
  });

  it('counts the attempts that failed and were followed by another', () => {
    const story = [tutorial(), asks('m1', backend)];
    expect(decide(given(...story), retry(3, 'busy'))).toEqual([
      {
        type: 'task_retried',
        data: { task_id: 'task_m1', message_id: 'm1', delegatee: backend, outcome: 'nacked', reason: 'busy' },
      },
    ]);
    expect(task(given(...story), 'task_m1')).not.toHaveProperty('retries');
    expect(task(given(...story, retry(3), retry(6)), 'task_m1').retries).toBe(2);
  });

  it('counts none once it is over, nor those of a message that asked for none', () => {
    const over = given(tutorial(), asks('m1', backend), answers('r1', backend));
    expect(decide(over, retry(3))).toEqual([]);
    expect(decide(given(tutorial()), retry(3))).toEqual([]);
    const ended = given(tutorial(), asks('m1', backend), ask({ type: 'complete_session' }));
    expect(decide(ended, retry(3))).toEqual([]);
    expect(decide(undefined, retry(3))).toEqual([]);
  });

  it('keeps every agent that it went on to, when and why, and begins anew there', () => {
    const state = given(tutorial(), asks('m1', backend), began('s1', backend, 5), goesOn(frontend, 20));
    const handover: Handover = { from: backend, to: frontend, reason: 'fallback: given up: 20', at: at(20) };
    expect(task(state, 'task_m1').handovers).toEqual([handover]);
    expect(task(state, 'task_m1')).not.toHaveProperty('started_at');
    const back = given(tutorial(), asks('m1', backend), goesOn(frontend, 20), goesOn(backend, 30));
    expect(task(back, 'task_m1').handovers).toEqual([
      handover,
      { from: frontend, to: backend, reason: 'fallback: given up: 30', at: at(30) },
    ]);
  });

  it('keeps also that it went to a fallback from the start', () => {
    const asked = asks('m1', frontend, { at: at(2) });
    if (asked.type !== 'record_message' || !asked.task) throw new Error('a request');
    const task_ = { ...asked.task, addressed_to: backend, routed_by: 'fallback: offline' };
    const state = given(tutorial(), { ...asked, task: task_ });
    expect(task(state, 'task_m1')).toMatchObject({
      stands_in_for: backend,
      handovers: [{ from: backend, to: frontend, reason: 'fallback: offline', at: at(2) }],
    });
  });

  it('that only got more time went on to nobody', () => {
    expect(task(given(tutorial(), asks('m1', backend), goesOn(backend, 20)), 'task_m1')).not.toHaveProperty(
      'handovers',
    );
  });
});
