import { describe, expect, it } from 'vitest';
import { boundedReply } from '../../src/bus/reply-bounds.ts';
import { BusError } from '../../src/protocol/errors.ts';
import type { AnyReceipt } from '../../src/protocol/types.gen.ts';
import { open, refused } from './session-setup.ts';

const agentId = 'codex://reviewer';
const most = 500_000;
const bad: [what: string, text: string][] = [
  ['empty', ''],
  ['blank', ' \n'],
  ['too long', 'x'.repeat(most + 1)],
];
const invalid = (what: string) => new BusError('PROVIDER_REPLY_INVALID', what);

/** Says the parts, and then that the whole was the content. */
async function heard(parts: readonly string[], content: string) {
  let closed = false;
  async function* answer() {
    try {
      yield* parts;
      return { content };
    } finally {
      closed = true;
    }
  }
  const said: string[] = [];
  const bounded = boundedReply(answer(), invalid);
  const outcome = await (async () => {
    for (;;) {
      const next = await bounded.next();
      if (next.done) return next.value;
      said.push(next.value);
    }
  })().catch((error: unknown) => error);
  return { said, outcome, closed };
}

describe('a reply', () => {
  it('as long as may be is passed on, part by part', async () => {
    const parts = ['x', 'y'.repeat(most - 1)];
    expect(await heard(parts, parts.join(''))).toEqual({
      said: parts,
      outcome: { content: parts.join('') },
      closed: true,
    });
  });

  it.each(bad)('that is %s is none, however it comes', async (_what, text) => {
    const none = { outcome: refused('PROVIDER_REPLY_INVALID'), closed: true };
    expect(await heard([], text)).toMatchObject({ said: [], ...none });
    expect(await heard([text], text)).toMatchObject(none);
  });

  it('is cut short with the part that is too much', async () => {
    const parts = ['x'.repeat(most), 'y', 'z'];
    expect((await heard(parts, 'x')).said).toEqual(parts.slice(0, 1));
  });

  it.each(bad)('of an agent that is %s fails the turn', async (_what, payload) => {
    const { sessions } = await open();
    const reply = { message_type: 'task_response', payload };
    const ask = async () => ({ reply }) as unknown as AnyReceipt;
    sessions.chatWithAgents({ assertAskable: () => undefined, ask });
    const chatId = await sessions.createChat(sessions.createSession(), { agentId });
    const chat = sessions.getChat(chatId) ?? expect.unreachable();
    await expect(chat.sendMessage('Hello!')).rejects.toEqual(refused('CHAT_AGENT_FAILED'));
    await expect(chat.sendMessage('Hello!')).rejects.toThrow(agentId);
  });
});
