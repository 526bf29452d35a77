// What guards and walls between workspaces refuse is on record: whichever of them, at whichever door.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/protocol/types.gen.ts';
import { backend, envelope, key, orchestrator, type RunningBus, startBus, v1 } from '../support/running-bus.ts';
import { type Frame, SocketClient } from '../support/socket-client.ts';

interface Guard {
  limits?: Config;
  /** The budget of the session that both take part in, if there is one. */
  session?: { message_budget?: number };
  contact?: string;
  /** Sent before, and taken in. */
  first?: Frame;
  refused: Frame;
}

const inSession = (id: string) =>
  envelope(id, orchestrator, backend, { sender: { agent_id: orchestrator, session_id: 's1' } });

const guards: Readonly<Record<string, Guard>> = {
  HOP_LIMIT: {
    limits: { maxHops: 1 },
    first: envelope('m1', backend, orchestrator),
    refused: envelope('m2', orchestrator, backend, { metadata: { in_reply_to: 'm1' } }),
  },
  PAIR_RATE_LIMITED: {
    limits: { maxPairRate: 1 },
    first: envelope('m1', orchestrator, backend),
    refused: envelope('m2', orchestrator, backend),
  },
  SESSION_RATE_LIMITED: {
    limits: { maxSessionRate: 1 },
    session: {},
    first: inSession('m1'),
    refused: inSession('m2'),
  },
  BUDGET_EXHAUSTED: { session: { message_budget: 1 }, first: inSession('m1'), refused: inSession('m2') },
  CONTACT_REFUSED: { contact: 'session', refused: envelope('m2', orchestrator, backend) },
};

const contactRefused = guards.CONTACT_REFUSED as Guard;

/** Two agents, and what has to be there for the next message to be refused; all by one key. */
async function prepare(bus: RunningBus, { session, contact, first }: Guard, secret: string): Promise<void> {
  const post = (path: string, body: object) => bus.call('POST', path, body, secret);
  for (const agent_id of [orchestrator, backend]) {
    const more = contact !== undefined && agent_id === backend ? { contact } : {};
    await post('/agents/register', { agent_descriptor: { agent_id, capabilities: [] }, ...more });
  }
  const participants = [{ agent_id: backend, role: 'dev' }];
  if (session) await post('/sessions', { session_id: 's1', orchestrator, participants, ...session });
  if (first) expect((await post('/messages/send', first)).status).toBe(202);
}

async function keyOfTeam({ call }: RunningBus): Promise<{ secret: string; actor: string }> {
  const { body } = await call('POST', '/keys', { workspace_id: 'team-a' });
  return { secret: body.secret, actor: `key:${body.key.key_id}` };
}

async function refusalsIn({ call }: RunningBus, workspace: string): Promise<Frame[]> {
  const { body } = await call('GET', `/audit?action=refused&workspace_id=${workspace}`);
  return body.items.map(({ id: _id, at: _at, ...entry }: Frame) => entry);
}

const refused = { action: 'refused', address: '127.0.0.1' };

type Door = (bus: RunningBus, secret: string, sent: Frame) => Promise<unknown>;

/** In one piece and with no field too many, as the fast lane takes it. */
async function sendPlainly({ port }: RunningBus, secret: string, sent: Frame, ...fields: string[]): Promise<void> {
  const body = JSON.stringify(sent);
  const own = [`host: 127.0.0.1`, `x-agent-api-key: ${secret}`, 'content-type: application/json'];
  const head = ['POST /messages/send HTTP/1.1', ...own, ...fields, `content-length: ${body.length}`].join('\r\n');
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head}\r\n\r\n${body}`);
  await once(socket, 'data');
  socket.destroy();
}

const overSocket =
  (protocols: string[]): Door =>
  async (bus, secret, sent) => {
    const agent = await bus.connect(orchestrator, { key: secret, protocols });
    agent.send(sent);
    await agent.next(({ type, message_type }) => type === 'rejected' || message_type === 'error');
  };

const doors: readonly [door: string, route: string, send: Door][] = [
  ['the fast lane', 'POST /messages/send', sendPlainly],
  ['the route', 'POST /messages/send', ({ call }, secret, sent) => call('POST', '/messages/send?', sent, secret)],
  [
    'a batch',
    'POST /messages/batch',
    ({ call }, secret, sent) => call('POST', '/messages/batch', { messages: [sent] }, secret),
  ],
  ['a socket', 'socket', overSocket([v1])],
  ['a plain socket', 'socket', overSocket([])],
];

describe.each(doors)('what comes over %s', (_door, route, send) => {
  it.each(Object.entries(guards))('and is refused with %s is on record, with whose it was', async (code, guard) => {
    const bus = await startBus(guard.limits);
    const { secret, actor } = await keyOfTeam(bus);
    await prepare(bus, guard, secret);
    await send(bus, secret, guard.refused);
    const ids = { agent_id: orchestrator, message_id: 'm2', ...(guard.session && { session_id: 's1' }) };
    expect(await refusalsIn(bus, 'team-a')).toEqual([
      { ...refused, code, actor, workspace_id: 'team-a', route, ...ids },
    ]);
  });

  it('and is refused to the bus key is on record in the workspace that it was for', async () => {
    const bus = await startBus();
    await prepare(bus, contactRefused, key);
    await send(bus, key, contactRefused.refused);
    const [entry] = await refusalsIn(bus, 'default');
    expect(entry).toMatchObject({ ...refused, code: 'CONTACT_REFUSED', actor: 'bus-key', route });
  });
});

describe('another workspace than that of the key', () => {
  it.each<[string, string, (bus: RunningBus, secret: string) => Promise<unknown>]>([
    [
      'a message',
      'POST /messages/send',
      ({ call }, secret) => call('POST', '/messages/send?workspace_id=team-b', contactRefused.refused, secret),
    ],
    [
      'a message with a plain head',
      'POST /messages/send',
      (bus, secret) => sendPlainly(bus, secret, contactRefused.refused, 'x-agent-workspace: team-b'),
    ],
    [
      'a batch',
      'POST /messages/batch',
      ({ call }, secret) =>
        call('POST', '/messages/batch?workspace_id=team-b', { messages: [contactRefused.refused] }, secret),
    ],
    ['a list', 'GET /agents', ({ call }, secret) => call('GET', '/agents?workspace_id=team-b', undefined, secret)],
    [
      'a socket',
      'GET /',
      async ({ socketUrl }, secret) => {
        const options = { headers: { 'x-agent-api-key': secret } };
        const opening = SocketClient.open(`${socketUrl(orchestrator)}&workspace_id=team-b`, [v1], options);
        await expect(opening).rejects.toMatchObject({ status: 403, body: { code: 'WORKSPACE_FORBIDDEN' } });
      },
    ],
  ])('is on record in that of the key where %s names it', async (_what, route, enter) => {
    const bus = await startBus();
    const { secret, actor } = await keyOfTeam(bus);
    await enter(bus, secret);
    expect(await refusalsIn(bus, 'team-a')).toMatchObject([{ ...refused, code: 'WORKSPACE_FORBIDDEN', actor, route }]);
    expect(await refusalsIn(bus, 'team-b')).toEqual([]);
  });
});

it('A socket of an agent that had to be registered first is on record', async () => {
  const bus = await startBus({ registration: 'required' });
  const { secret, actor } = await keyOfTeam(bus);
  const socket = await bus.connect(orchestrator, { key: secret, protocols: [] });
  expect(await socket.closed).toMatchObject({ reason: 'REGISTRATION_REQUIRED' });
  expect(await refusalsIn(bus, 'team-a')).toMatchObject([
    { ...refused, code: 'REGISTRATION_REQUIRED', actor, route: 'socket', agent_id: orchestrator },
  ]);
});
