// The WebSocket door: who may open a socket, and the heartbeat of all that are open.
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import { BusError } from '../protocol/errors.ts';
import { newId } from '../protocol/ids.ts';
import type { ConnectQuery } from '../protocol/types.gen.ts';
import type { NoteDeed, NoteRefusal, Origin } from './audit.ts';
import { keyProtocol } from './auth.ts';
import { Connection, type ConnectionLimits } from './connection.ts';
import { subprotocol } from './dialects.ts';
import { faultOfHandshake } from './handshake.ts';
import { HeartbeatWheel } from './heartbeat-wheel.ts';
import { logIdsOf } from './log-ids.ts';
import { routeSchema } from './route-schema.ts';

export interface SocketOptions {
  bus: Bus;
  config: ConnectionLimits & {
    maxConnections: number;
    maxPayload: number;
    registration: 'auto' | 'required';
    /** Milliseconds that sockets get to settle what they hold when the server stops. */
    shutdownTimeout: number;
  };
  isDraining: () => boolean;
  onError: (error: unknown) => void;
  onRefusal: NoteRefusal;
  onDeed: NoteDeed;
}

const socketPaths: readonly string[] = ['/', '/ws'];

/** Ends every connection whose upgrade was answered with something else: nobody would read a second request from it. */
export function endRefusedUpgrades(app: FastifyInstance): void {
  // Not on every response: what listens to those costs each request more than its route.
  app.addHook('onRequest', (request, reply, done) => {
    if (asksForUpgrade(request)) reply.raw.once('finish', () => request.raw.socket.destroySoon());
    done();
  });
}

/** Routes of `app` that are no socket refuse to become one. */
export function refuseUpgradesElsewhere(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    done(asksForUpgrade(request) ? refusalOfUpgrade(request) : undefined);
  });
}

/** In a scope of its own, since what it needs around its routes would cost all others. */
export const socketDoor: FastifyPluginAsync<SocketOptions> = async (
  app,
  { bus, config, isDraining, onError, onRefusal, onDeed },
) => {
  const connections = new Set<Connection>();
  /** Upgrades that were let in and are not open yet count as well. */
  let open = 0;

  await app.register(websocket, {
    options: {
      maxPayload: config.maxPayload,
      maxFragments: 1_024,
      maxBufferedChunks: 4_096,
      perMessageDeflate: false,
      handleProtocols: (protocols: Set<string>) =>
        protocols.has(subprotocol)
          ? subprotocol
          : ([...protocols].find((name) => name.startsWith(keyProtocol)) ?? false),
    },
    errorHandler: (error, socket) => {
      // What a peer does wrong has closed its socket already, with the code that says why.
      if (isFaultOfPeer(error)) return;
      onError(error);
      socket.terminate();
    },
    preClose: (done) => {
      closeAll(connections, config.shutdownTimeout).then(() => done(), done);
    },
  });

  const heartbeat = new HeartbeatWheel(config.heartbeatInterval / 2);
  app.addHook('onClose', (_app, done) => {
    heartbeat.stop();
    done();
  });

  /** @throws BusError WORKSPACE_FORBIDDEN */
  const enter = ({ workspace }: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    if (workspace) done();
  };

  const admit = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const { agent_id: agentId } = request.query as ConnectQuery;
    const { principal, workspace } = request;
    const fault = request.ws ? faultOfHandshake(request, reply) : undefined;
    if (fault) {
      done(fault);
    } else if (!request.ws) {
      done(new BusError('UPGRADE_REQUIRED', 'This is the socket; open it with a WebSocket client.'));
    } else if (isDraining()) {
      done(new BusError('SHUTTING_DOWN', 'The bus is stopping; connect again when it is back.'));
    } else if (!speaksOurs(request.headers['sec-websocket-protocol'])) {
      done(new BusError('VALIDATION_FAILED', `The only subprotocol here is ${subprotocol}; offer it, or none.`));
    } else if (open >= config.maxConnections) {
      done(
        new BusError('TOO_MANY_CONNECTIONS', `All ${config.maxConnections} connections are taken; try again later.`),
      );
    } else {
      workspace.agents.assertMayBecome(principal, agentId);
      const { socket } = request.raw;
      // It left while its credential was looked at: its `close` was before this.
      if (!socket.destroyed) {
        open++;
        socket.once('close', () => open--);
      }
      done();
    }
  };

  for (const url of socketPaths) {
    app.get<{ Querystring: ConnectQuery }>(
      url,
      {
        websocket: true,
        exposeHeadRoute: false,
        preHandler: [enter, admit],
        schema: routeSchema({
          tag: 'Socket',
          summary: 'Open a WebSocket',
          description:
            'With the subprotocol `agent-bus.v1`: envelopes, receipts and acks. Without one: envelopes only. ' +
            'A browser sends its key as the further subprotocol `agent-bus.key.<key>`.',
          query: 'ConnectQuery',
          replies: {},
        }),
      },
      (webSocket, request) => {
        const { agent_id: agentId } = request.query;
        const { principal, workspace, raw } = request;
        const { workspaceId } = workspace.sessions;
        const address = raw.socket.remoteAddress;
        const origin: Origin = { principal, workspaceId, route: 'socket', address, agentId };
        const isNew = !workspace.agents.isRegistered(agentId);
        const connection = new Connection({
          workspace,
          counters: bus.counters,
          rateLimit: bus.rateLimit,
          webSocket,
          stream: raw.socket,
          agentId,
          connectionId: newId('conn'),
          principal,
          limits: config,
          onError,
          onRefusal: (refusal, sent) => onRefusal(refusal, { ...origin, ...logIdsOf({ body: sent }) }),
        });
        if (config.registration === 'required' && isNew) {
          onRefusal({ code: 'REGISTRATION_REQUIRED' }, origin);
          connection.close('REGISTRATION_REQUIRED');
          return;
        }
        connections.add(connection);
        const still = heartbeat.add(connection);
        const release = bus.access.hold(request.principal, (reason) => endNow(connection, reason));
        webSocket.once('close', () => {
          connections.delete(connection);
          still();
          release();
        });
        connection.open();
        if (isNew) onDeed('agent_registered', origin);
      },
    );
  }
};

/** Its credential is over: who does not answer the close is cut off. */
function endNow(connection: Connection, reason: BusError): void {
  connection.close('UNAUTHORIZED', reason);
  setTimeout(() => connection.terminate(), 2_000).unref();
}

/** Node's parser says so; its types do not. */
function asksForUpgrade({ raw }: FastifyRequest): boolean {
  return (raw as typeof raw & { upgrade?: boolean }).upgrade === true;
}

function refusalOfUpgrade({ headers, routeOptions }: FastifyRequest): BusError | undefined {
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return new BusError('BAD_REQUEST', 'Only WebSocket can be upgraded to; send requests as plain HTTP/1.1.');
  }
  if (routeOptions.url === undefined || socketPaths.includes(routeOptions.url)) return undefined;
  return new BusError('ROUTE_NOT_FOUND', 'There is no socket here; open / or /ws.');
}

function isFaultOfPeer({ code = '' }: Error & { code?: string }): boolean {
  return code.startsWith('WS_ERR_') || code === 'ECONNRESET' || code === 'EPIPE';
}

/** A client that asks for another subprotocol would close at once what is opened without it, with mail on its way. */
function speaksOurs(offered: string | undefined): boolean {
  if (offered === undefined) return true;
  const names = offered.split(',').map((name) => name.trim());
  return names.some((name) => name === subprotocol || name.startsWith(keyProtocol));
}

/** Tells all sockets, waits for what they hold within the time, closes them, and cuts off who does not answer. */
async function closeAll(connections: ReadonlySet<Connection>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs / 2;
  for (const connection of connections) connection.sayDraining();
  while (Date.now() < deadline && [...connections].some((connection) => connection.busy)) await pause(20);
  for (const connection of connections) connection.close('SHUTTING_DOWN');
  const last = Date.now() + Math.min(1_000, withinMs / 4);
  while (connections.size > 0 && Date.now() < last) await pause(10);
  for (const connection of connections) connection.terminate();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
