import { describe, expect, it } from 'vitest';
import { Participation } from '../../src/bus/participation.ts';
import { backend, open } from './session-setup.ts';

describe('a participant', () => {
  it('is known from its first active session to the end of its last', async () => {
    const { sessions } = await open();
    const early = sessions.createSession('a://lead', [{ agent_id: backend }]);
    const participation = new Participation(sessions);
    const later = sessions.createSession('a://lead', [{ agent_id: backend }]);
    expect(participation.has(backend)).toBe(true);
    sessions.completeSession(early);
    sessions.deleteSession(early);
    expect(participation.has(backend)).toBe(true);
    sessions.removeParticipant(later, backend);
    expect(participation.has(backend)).toBe(false);
    sessions.addParticipant(later, { agent_id: backend });
    expect(participation.has(backend)).toBe(true);
    sessions.terminateSession(later, { reason: 'enough' });
    expect(participation.has(backend)).toBe(false);
    expect(participation.has('a://lead')).toBe(false);
  });

  it('leaves with its session in a time that does not depend on how many others there are', async () => {
    const { sessions } = await open();
    new Participation(sessions);
    const ids = Array.from({ length: 5_000 }, (_, session) => {
      const members = Array.from({ length: 9 }, (_member, place) => ({ agent_id: `a://m-${session}-${place}` }));
      return sessions.createSession(`a://lead-${session}`, members);
    });
    const started = performance.now();
    for (const id of ids.slice(0, 2_000)) sessions.completeSession(id);
    expect(performance.now() - started).toBeLessThan(4_000);
  });
});
