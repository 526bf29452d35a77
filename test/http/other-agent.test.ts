// Every route of the policy, asked by other agents of the same workspace and user: one that has no part in it, and one that has.
import { beforeAll, describe, expect, it } from 'vitest';
import { policy } from '../../src/http/policy.ts';
import { canary, inventory, missing, names, openFurnished, startFurnished } from '../support/two-houses.ts';
import { ask } from './route-requests.ts';
import type { Http, OpenHttp } from './start-http.ts';

/** Why whom it does not concern is let in at all. Whoever adds a route for `anyone` says so here. */
const open: Readonly<Record<string, { status: number; why: string }>> = {
  'GET /agents': { status: 200, why: 'agents find each other by what they can do' },
  'GET /agents/:agent_id': { status: 200, why: 'and see whether the other one is there' },
  'POST /messages/send': { status: 403, why: 'it may send in its own name' },
  'POST /messages/batch': { status: 200, why: 'the same, envelope by envelope' },
  'GET /messages/:message_id': { status: 404, why: 'it may read what it sent or was sent' },
  'GET /sessions': { status: 200, why: 'it sees the sessions that it takes part in' },
  'POST /keys': { status: 403, why: 'keys with the scope admin make others, of which a token has none' },
  'GET /keys': { status: 403, why: 'the same' },
  'POST /keys/:key_id/rotate': { status: 403, why: 'the same' },
  'DELETE /keys/:key_id': { status: 403, why: 'the same' },
  'GET /': { status: 403, why: 'it may open sockets of its own' },
  'GET /ws': { status: 403, why: 'the same' },
};

const upgrade = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': Buffer.alloc(16).toString('base64'),
};

/** The answer to a request that could succeed for another. */
function askAs({ call }: Pick<Http, 'call'>, route: string, key: string, named = names) {
  return ask({ call }, route, named, { key, ...(/\/(ws)?$/.test(route) && { headers: upgrade }) });
}

/** A new token of an agent that the owner of the home has. */
async function tokenOf({ call }: Http, agent_id: string): Promise<string> {
  const as = { key: 'key-of-owner' };
  await call('POST', '/agents/register', { ...as, body: { agent_descriptor: { agent_id, capabilities: ['work'] } } });
  return (await call('POST', `/agents/${agent_id}/token`, as)).body.token;
}

describe('an agent that has no part in it', () => {
  let http: OpenHttp;
  let token: string;
  beforeAll(async () => {
    http = await openFurnished();
    token = await tokenOf(http, 'codex://uninvolved');
    return () => http.close();
  });

  it.each(Object.entries(policy))('gets what the policy says and changes nothing: %s', async (route, { who }) => {
    const before = await inventory(http.bus);
    const reply = await askAs(http, route, token);
    expect(await inventory(http.bus)).toEqual(before);
    if (who === 'anyone') {
      const row = open[route];
      expect(row, 'why it is open to whom it does not concern').toBeDefined();
      expect(reply.status, reply.text).toBe(row?.status);
    } else {
      expect(reply.status, reply.text).toBeOneOf([403, 404]);
    }
    if (reply.status >= 400) expect(reply.text).not.toContain(canary);
  });

  it('has each envelope in the name of another one refused', async () => {
    const { items } = (await askAs(http, 'POST /messages/batch', token)).body;
    expect(new Set(items.map((item: { code: string }) => item.code))).toEqual(new Set(['SENDER_FORBIDDEN']));
  });

  it('is told no reasons that are none', () => {
    const routes = Object.keys(open);
    expect(routes.filter((route) => policy[route]?.who !== 'anyone')).toEqual([]);
  });
});

const inSessions = Object.entries(policy).filter(([route]) => route.includes('/:session_id'));

describe('an agent that takes part in a session', () => {
  it.each(inSessions)('may what the policy says: %s', async (route, { who }) => {
    const http = await startFurnished();
    const token = await tokenOf(http, names.agent);
    const before = await inventory(http.bus);
    const reply = await askAs(http, route, token);
    if (who !== 'orchestrator') {
      expect(reply.status, reply.text).toBeLessThan(300);
      return;
    }
    expect(reply, reply.text).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await inventory(http.bus)).toEqual(before);
    expect((await askAs(http, route, token, missing)).body.code).toBe('SESSION_NOT_FOUND');
  });
});
