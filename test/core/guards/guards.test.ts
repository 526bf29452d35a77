import { describe, expect, it } from 'vitest';
import { type AnsweredMessage, mayWrite } from '../../../src/core/guards/contact.ts';
import { guardOf, noTrips } from '../../../src/core/guards/guard.ts';
import { assertHop, hopAfter } from '../../../src/core/guards/hops.ts';

describe('the hop of a message', () => {
  it('is 1 at the beginning of a chain, and one more than what it answers behind that', () => {
    expect(hopAfter(undefined)).toBe(1);
    // What is kept of a message names its hop only where it is not the first.
    expect(hopAfter({})).toBe(2);
    expect(hopAfter({ hop: 31 })).toBe(32);
  });

  it('is refused beyond the limit, and nowhere where there is none', () => {
    expect(() => assertHop(32, 32)).not.toThrow();
    expect(() => assertHop(33, 32)).toThrow(expect.objectContaining({ code: 'HOP_LIMIT' }));
    expect(() => assertHop(1_000_000, 0)).not.toThrow();
  });
});

describe('the contact policy', () => {
  const [qa, lead, stranger] = ['codex://qa', 'claude-code://lead', 'custom://stranger'];
  const asked: AnsweredMessage = { sender: qa, recipients: [stranger] };
  const letter = (
    sender: string,
    { answered, shared = false }: { answered?: AnsweredMessage; shared?: boolean } = {},
  ) => ({
    sender,
    recipient: qa,
    answered,
    shareSession: () => shared,
  });

  it('open lets everybody write', () => {
    expect(mayWrite('open', letter(stranger))).toBe(true);
  });

  it('session lets those write who share a session', () => {
    expect(mayWrite('session', letter(lead, { shared: true }))).toBe(true);
    expect(mayWrite('session', letter(lead))).toBe(false);
  });

  it('list lets those write who are on it, and nobody for sharing a session', () => {
    expect(mayWrite({ list: [lead] }, letter(lead))).toBe(true);
    expect(mayWrite({ list: [lead] }, letter(stranger, { shared: true }))).toBe(false);
    expect(mayWrite({ list: [] }, letter(lead))).toBe(false);
  });

  it.each(['session' as const, { list: [] }])(
    '%j lets the agent itself write, and whoever it asked answer',
    (contact) => {
      expect(mayWrite(contact, letter(qa))).toBe(true);
      expect(mayWrite(contact, letter(stranger, { answered: asked }))).toBe(true);
    },
  );

  it.each(['session' as const, { list: [] }])(
    '%j lets nobody in by an answer to what another was asked, or another asked',
    (contact) => {
      expect(mayWrite(contact, letter(lead, { answered: asked }))).toBe(false);
      expect(mayWrite(contact, letter(stranger, { answered: { sender: lead, recipients: [stranger] } }))).toBe(false);
    },
  );
});

describe('a refusal', () => {
  it('names its guard by its code', () => {
    expect(guardOf('HOP_LIMIT')).toBe('hops');
    expect(guardOf('RATE_LIMITED')).toBeUndefined();
    expect(Object.keys(noTrips())).toContain(guardOf('BUDGET_EXHAUSTED'));
  });
});
