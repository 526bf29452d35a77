// Keys of one user: what there is to them of a workspace that several share.
import { describe, expect, it } from 'vitest';
import { envelope, key, type RunningBus, startBus } from '../support/running-bus.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ann = 'codex://ann';
const ben = 'codex://ben';
const shared = 'codex://shared';
const nobody = 'codex://nobody';

/** Keys of two users and of the workspace; an agent of each user, and one of nobody. */
async function start() {
  const bus = await startBus();
  const keyOf = async (user_id?: string): Promise<string> =>
    (await bus.call('POST', '/keys', { workspace_id: 'team-a', ...(user_id && { user_id }) })).body.secret;
  const keys = { ann: await keyOf('ann'), ben: await keyOf('ben'), team: await keyOf() };
  const register = (agent_id: string, as: string, more: object = {}) =>
    bus.call('POST', '/agents/register', { agent_descriptor: { agent_id, capabilities: ['work'] }, ...more }, as);
  const tokens = {
    ann: (await register(ann, keys.ann)).body.token as string,
    ben: (await register(ben, keys.ben)).body.token as string,
    shared: (await register(shared, keys.team)).body.token as string,
  };
  const send = (from: string, to: string, as: string, more: object = {}) =>
    bus.send(envelope(`m${++sent}`, from, to, { message_type: 'status_update', ...more }), as);
  let sent = 0;
  return { ...bus, keys, tokens, register, send, pull: (agent: string, as: string) => pull(bus, agent, as) };
}

async function pull({ call }: RunningBus, agent: string, as: string) {
  const { status, body } = await call('GET', `/agents/${agent}/messages`, undefined, as);
  return { status, ids: body.items?.map((item: { message_id: string }) => item.message_id), code: body.code };
}

describe('the key of a user', () => {
  it('registers agents that are of this user', async () => {
    const { call, register, keys } = await start();
    const { body } = await call('GET', `/agents/${ann}`, undefined, keys.ann);
    expect(body.agent).toMatchObject({ agent_id: ann, user_id: 'ann' });
    expect((await register(nobody, keys.ann, { user_id: 'ben' })).body.code).toBe('FORBIDDEN');
    // The key of the workspace may say whose an agent is, once.
    expect((await register(nobody, keys.team, { user_id: 'ben' })).body.agent.user_id).toBe('ben');
    expect((await register(nobody, keys.team)).body.agent.user_id).toBe('ben');
    expect((await register(nobody, keys.team, { user_id: 'ann' })).body.code).toBe('FORBIDDEN');
    expect((await register(shared, keys.team, { user_id: 'ann' })).body.code).toBe('FORBIDDEN');
  });

  it('sees the agents of this user, and those of nobody', async () => {
    const { call, keys, tokens } = await start();
    const listed = async (as: string) =>
      (await call('GET', '/agents', undefined, as)).body.items.map((agent: { agent_id: string }) => agent.agent_id);
    expect(await listed(keys.ann)).toEqual([ann, shared]);
    expect(await listed(tokens.ann)).toEqual([ann, shared]);
    expect(await listed(keys.team)).toEqual([ann, ben, shared]);
    expect(await call('GET', `/agents/${ben}`, undefined, keys.ann)).toMatchObject({ status: 404 });
  });

  it('acts as the agents of this user only', async () => {
    const { call, connect, keys, send, pull, register } = await start();
    expect((await send(ann, shared, keys.ann)).status).toBe(202);
    for (const other of [ben, shared, nobody]) {
      expect((await send(other, ann, keys.ann)).body.code, other).toBe('SENDER_FORBIDDEN');
    }
    const ways: ((agent: string) => Promise<{ status: number }>)[] = [
      (agent) => pull(agent, keys.ann),
      (agent) => call('POST', `/agents/${agent}/messages/m1/ack`, undefined, keys.ann),
      (agent) => call('DELETE', `/agents/${agent}`, undefined, keys.ann),
      (agent) => register(agent, keys.ann),
      (agent) =>
        connect(agent, { key: keys.ann }).then(
          () => expect.unreachable(),
          (refused) => refused,
        ),
    ];
    for (const [index, way] of ways.entries()) {
      expect((await way(ben)).status, `${index}`).toBe(404);
      expect((await way(shared)).status, `${index}`).toBe(403);
    }
    await (await connect(ann, { key: keys.ann })).roundTrip();
  });

  it('reaches agents of this user and of nobody, whichever way it addresses them', async () => {
    const { send, keys, pull, call } = await start();
    expect((await send(ann, ben, keys.ann)).body.code).toBe('AGENT_NOT_FOUND');
    expect((await send(ann, ben, keys.ann, { message_type: 'heartbeat' })).body.code).toBe('AGENT_NOT_FOUND');
    for (let n = 0; n < 4; n++) {
      const { body } = await send(ann, ann, keys.ann, { recipient: { capability: 'work' } });
      expect([ann, shared]).toContain(body.recipient.agent_id);
    }
    const withFallback = await send(ann, nobody, keys.ann, { routing: { fallback_agents: [ben, shared] } });
    expect(withFallback.body.recipient.agent_id).toBe(shared);
    const { body } = await call(
      'POST',
      '/sessions',
      { orchestrator: ann, participants: [{ agent_id: ben }, { agent_id: shared }] },
      keys.ann,
    );
    const everyone = await send(ann, ann, keys.ann, { recipient: { session_id: body.session_id } });
    expect(everyone.body.recipients.map((one: { agent_id: string }) => one.agent_id)).toEqual([shared]);
    expect((await pull(ben, keys.ben)).ids).toEqual([]);
  });

  it('never has a message moved to an agent of another user, when it fails where it was', async () => {
    const { send, keys, call, pull } = await start();
    const routing = { fallback_agents: [ben], retry_policy: { max_retries: 0, backoff: 'linear' } };
    const { body } = await send(ann, ann, keys.ann, { recipient: { capability: 'work' }, routing });
    const to = body.recipient.agent_id;
    const as = to === ann ? keys.ann : keys.team;
    await pull(to, as);
    await call('POST', `/agents/${to}/messages/${body.message_id}/nack`, { requeue: false }, as);
    await expect
      .poll(async () => (await call('GET', `/messages/${body.message_id}`, undefined, keys.ann)).body.message.status)
      .toBe('dead');
    expect((await pull(ben, keys.ben)).ids).toEqual([]);
  });

  it('sees what was said in the sessions of this user or with its agents, and nothing else', async () => {
    const { send, keys, call } = await start();
    const ledger = async (id: string, as: string) => (await call('GET', `/messages/${id}`, undefined, as)).status;
    const own = (await send(ann, shared, keys.ann)).body.message_id;
    const toOwn = (await send(shared, ann, keys.team)).body.message_id;
    const foreign = (await send(ben, shared, keys.ben)).body.message_id;
    for (const [id, status] of [
      [own, 200],
      [toOwn, 200],
      [foreign, 404],
    ] as const) {
      expect(await ledger(id, keys.ann)).toBe(status);
    }
    expect(await ledger(foreign, keys.team)).toBe(200);
  });

  it('has the sessions of this user only, and so has the token of its agent', async () => {
    const { call, keys, tokens } = await start();
    const participants = [{ agent_id: shared }];
    const { body } = await call('POST', '/sessions', { orchestrator: ben, participants }, keys.ben);
    const status = async (as: string) => (await call('GET', `/sessions/${body.session_id}`, undefined, as)).status;
    expect(await Promise.all([keys.ben, tokens.ben, keys.team, tokens.shared].map(status))).toEqual([
      200, 200, 200, 200,
    ]);
    expect(await Promise.all([keys.ann, tokens.ann].map(status))).toEqual([404, 404]);
    expect((await call('GET', '/sessions', undefined, tokens.ann)).body.items).toEqual([]);
  });

  it('is not enough for dead letters, nor for the figures', async () => {
    const { call } = await start();
    const { body } = await call('POST', '/keys', { workspace_id: 'team-a', user_id: 'ann', scopes: ['admin'] });
    for (const path of ['/dead-letters', '/metrics']) {
      expect((await call('GET', path, undefined, body.secret)).status).toBe(403);
    }
  });
});

describe('the name of an agent', () => {
  it('is of the user whose key connected it first', async () => {
    const { connect, keys, call } = await start();
    const socket = await connect(nobody, { key: keys.ann });
    expect((await call('GET', `/agents/${nobody}`, undefined, keys.ann)).body.agent).toMatchObject({ user_id: 'ann' });
    await socket.close();
    await expect(connect(nobody, { key: keys.ben })).rejects.toMatchObject({ status: 404 });
  });

  it('is of one user only, however many connect at the same moment', async () => {
    const { connect, keys } = await start();
    for (let n = 0; n < 10; n++) {
      const name = `codex://new-${n}`;
      const sockets = await Promise.all(
        [keys.ann, keys.ben, keys.ann, keys.ben].map((as) =>
          connect(name, { key: as, protocols: [] }).catch(() => undefined),
        ),
      );
      const isOpen = await Promise.all(
        sockets.map(async (socket) => {
          if (!socket) return false;
          socket.send({});
          return Promise.race([socket.closed.then(() => false), socket.next().then(() => true)]);
        }),
      );
      expect([isOpen[0], isOpen[2]]).toEqual([!isOpen[1], !isOpen[3]]);
    }
  });

  it('is not for a pull any more that waited under it before it was deleted', async () => {
    const { call, keys, register, send, pull } = await start();
    const waiting = call('GET', `/agents/${ann}/messages?wait=30s`, undefined, keys.ann);
    await expect
      .poll(async () => (await call('GET', `/agents/${ann}`, undefined, keys.ann)).body.agent?.online)
      .toBe(true);
    await call('DELETE', `/agents/${ann}`, undefined, keys.ann);
    expect((await register(ann, keys.ben)).status).toBe(201);
    const { body } = await send(ben, ann, keys.ben);
    expect((await waiting).body.items).toEqual([]);
    expect((await pull(ann, keys.ben)).ids).toEqual([body.message_id]);
  });

  it('is of the user whose mail goes to it first, so that no other can take that', async () => {
    const { send, keys, call, register, pull } = await start();
    const { body } = await call(
      'POST',
      '/sessions',
      { orchestrator: ann, participants: [{ agent_id: nobody }] },
      keys.ann,
    );
    const session = { sender: { agent_id: ann, session_id: body.session_id } };
    const { body: receipt } = await send(ann, nobody, keys.ann, session);
    expect((await register(nobody, keys.ben)).status).toBe(404);
    await call('POST', '/sessions', { orchestrator: ben, participants: [{ agent_id: nobody }] }, keys.ben);
    expect((await register(nobody, keys.ben)).status).toBe(404);
    expect((await register(nobody, keys.ann)).status).toBe(201);
    expect((await pull(nobody, keys.ann)).ids).toEqual([receipt.message_id]);
  });

  it('is not for a user to take while mail of somebody else is there', async () => {
    const { send, keys, call, register } = await start();
    await call('POST', '/sessions', { orchestrator: shared, participants: [{ agent_id: nobody }] }, keys.team);
    await send(shared, nobody, keys.team);
    for (const as of [keys.ann, keys.ben]) expect((await register(nobody, as)).status).toBe(404);
    expect((await register(nobody, keys.team)).status).toBe(201);
  });

  it('stays with its user after it was deleted, for as long as mail is there', async () => {
    const { send, keys, call, register, pull } = await start();
    const { body } = await send(shared, ann, keys.team);
    await call('DELETE', `/agents/${ann}`, undefined, keys.ann);
    expect((await register(ann, keys.ben)).status).toBe(404);
    expect((await register(ann, keys.ann)).status).toBe(201);
    expect((await pull(ann, keys.ann)).ids).toEqual([body.message_id]);
    await call('POST', `/agents/${ann}/messages/${body.message_id}/ack`, undefined, keys.ann);
    await call('DELETE', `/agents/${ann}`, undefined, keys.ann);
    expect((await register(ann, keys.ben)).status).toBe(201);
  });

  it('stays with its user after it was deleted with mail, whatever a key of the workspace says', async () => {
    const { send, keys, call, connect, register, pull } = await start();
    const { body } = await send(shared, ann, keys.team);
    const ownerNow = async () => (await call('GET', `/agents/${ann}`, undefined, keys.team)).body.agent.user_id;
    const deleted = () => call('DELETE', `/agents/${ann}`, undefined, keys.team);

    await deleted();
    expect(await register(ann, keys.team, { user_id: 'ben' })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    expect((await pull(ann, keys.ben)).status).toBe(404);

    expect((await register(ann, keys.team)).body.agent.user_id).toBe('ann');
    await deleted();
    await (await connect(ann, { key: keys.team })).close();
    expect(await ownerNow()).toBe('ann');
    expect((await register(ann, keys.team, { user_id: 'ben' })).status).toBe(403);

    await deleted();
    expect((await register(ann, keys.ann)).status).toBe(201);
    await expect.poll(async () => (await pull(ann, keys.ann)).ids).toEqual([body.message_id]);
  });

  it('and whose it is outlive a restart', async () => {
    const dataDir = temporaryFolder();
    const options = { persistenceEnabled: true, dataDir };
    const before = await startBus(options);
    const make = async (user_id: string) => (await before.call('POST', '/keys', { user_id })).body.secret as string;
    const [annKey, benKey] = [await make('ann'), await make('ben')];
    const agent = (agent_id: string) => ({ agent_descriptor: { agent_id, capabilities: [] } });
    const { body } = await before.call('POST', '/agents/register', agent(ann), annKey);
    await before.call('POST', '/agents/register', agent(nobody), annKey);
    await before.send(envelope('m1', shared, nobody), key);
    await before.call('DELETE', `/agents/${nobody}`, undefined, annKey);
    await before.bus.stop();
    const { call } = await startBus(options);
    expect((await call('GET', `/agents/${ann}`, undefined, benKey)).status).toBe(404);
    expect((await call('GET', `/agents/${ann}/messages`, undefined, body.token)).status).toBe(200);
    expect((await call('GET', `/agents/${nobody}`)).status).toBe(404);
    expect((await call('POST', '/agents/register', agent(nobody), benKey)).status).toBe(404);
    expect((await call('POST', '/agents/register', agent(nobody), annKey)).status).toBe(201);
  });
});
