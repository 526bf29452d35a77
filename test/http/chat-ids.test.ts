// A thousand ids of chats, sessions and turns of others: real, guessed and made up, asked by every route of chats.
import { expect, it } from 'vitest';
import { policy } from '../../src/http/policy.ts';
import { abroad, canary, home, inventory, names, settings, startFurnished } from '../support/two-houses.ts';
import type { Call, Http } from './start-http.ts';
import { busKey } from './test-bus.ts';

const routes = Object.keys(policy).filter((route) => route.includes('/chats'));
const count = 1_000;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-';

/** Numbers from 0 to below `n`, the same ones in every run. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const roll = dice(20_250_202);
const pick = <T>(from: readonly T[]): T => from[roll(from.length)] ?? expect.unreachable();
const letters = (length: number) => Array.from({ length }, () => alphabet[roll(alphabet.length)]).join('');

/** One that is almost it. */
function mutated(id: string): string {
  const at = roll(id.length);
  return pick([
    id.slice(0, at) + letters(1) + id.slice(at + 1),
    id.slice(0, Math.max(at, 6)),
    id + letters(1 + roll(8)),
    id.toLowerCase(),
    id.toUpperCase(),
    id.slice(0, at) + id.slice(at + 1),
    `${id.slice(0, -1)}${letters(1)}`,
  ]);
}

interface Asked {
  session: string;
  chat: string;
}

async function answerOf({ call }: Http, route: string, { session, chat }: Asked, as: Call): Promise<string> {
  const [method = '', template = ''] = route.split(' ');
  const path = template.replace(':session_id', session).replace(':chat_id', chat);
  const body = route.endsWith('/chats') ? { agent_config: settings } : { content: 'Who are you?' };
  const { status, headers, text } = await call(method, path, {
    ...as,
    ...(method === 'POST' && !path.endsWith('/switch') && { body }),
  });
  expect(status, `${method} ${path}: ${text}`).toBe(404);
  const { date: _, 'content-length': __, ...rest } = headers;
  return JSON.stringify([rest, text]).replaceAll(session, '<session>').replaceAll(chat, '<chat>');
}

const intruders: readonly Call[] = [
  { key: 'key-of-abroad' },
  { key: busKey, headers: { 'x-agent-workspace': abroad } },
  { key: 'key-of-stranger' },
  { key: 'key-of-strange-agent' },
];

it('none of a thousand ids of others tells a stranger anything', { timeout: 120_000 }, async () => {
  const http = await startFurnished();
  const { sessions } = http.bus.workspace(home);
  for (const chatId of [undefined, undefined, 'chat_planning', 'c.1:a-b']) {
    const id = await sessions.createChat(names.session, { chatId, agentConfig: settings });
    await sessions.getChat(id)?.sendMessage(canary);
  }
  const theirs = sessions.getSessionChats(names.session);
  const turns = theirs.flatMap((chat) => chat.getHistory().map((message) => message.turn_id));
  const ids = [...theirs.map(({ id }) => id), ...turns, names.session, names.task];
  expect(ids.length).toBeGreaterThan(15);
  // Each has a session as well, in which chats of others might be looked for.
  const own: string[] = [];
  for (const [index, as] of intruders.entries()) {
    const orchestrator = 'codex://other';
    const { body } = await http.call('POST', '/sessions', {
      ...as,
      body: { session_id: `sess_own_${index}`, orchestrator },
    });
    own.push(body.session_id);
  }
  const before = await inventory(http.bus);

  /** What is answered for what never was. */
  const nothing = new Map<string, string>();
  let real = 0;
  for (let n = 0; n < count; n++) {
    const who = n % intruders.length;
    const as = intruders[who] ?? expect.unreachable();
    const chat = pick([() => pick(ids), () => mutated(pick(ids)), () => letters(6 + roll(60))])();
    const session = pick([
      () => own[who] ?? expect.unreachable(),
      () => names.session,
      () => mutated(names.session),
      () => letters(6 + roll(60)),
    ])();
    if (ids.includes(chat)) real++;
    // New chats name no chat: in a session of their own they are free to make some.
    for (const route of session === own[who] ? routes.filter((one) => one.includes(':chat_id')) : routes) {
      const none = { session: session === own[who] ? session : 'sess_never_was', chat: 'chat_never_was' };
      const key = JSON.stringify([route, who, none]);
      const expected = nothing.get(key) ?? (await answerOf(http, route, none, as));
      nothing.set(key, expected);
      const answer = await answerOf(http, route, { session, chat }, as);
      expect(answer, `${route} of ${session}, ${chat}`).toBe(expected);
      expect(answer).not.toContain(canary);
    }
  }
  expect(real).toBeGreaterThan(200);
  expect(await inventory(http.bus)).toEqual(before);
});
