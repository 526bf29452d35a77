// The mailbox of an agent over HTTP: pull or long-poll, ack, nack.
import type { FastifyPluginCallback } from 'fastify';
import type { AccessWatch } from '../bus/access-watch.ts';
import type { Offer } from '../ports/mailbox-store.ts';
import { parseDuration } from '../protocol/durations.ts';
import { BusError } from '../protocol/errors.ts';
import type { NackBody, PullQuery } from '../protocol/types.gen.ts';
import { goneSignal } from './gone.ts';
import { routeSchema } from './route-schema.ts';

type OfAgent = { Params: { agent_id: string } };
type OfMessage = { Params: { agent_id: string; message_id: string } };

/** `closing` ends every wait, so that the server can stop; `access` those of credentials that are over. */
export const mailboxRoutes: FastifyPluginCallback<{ closing: AbortSignal; access: AccessWatch }> = (
  app,
  { closing, access },
  done,
) => {
  app.get<OfAgent & { Querystring: PullQuery }>(
    '/agents/:agent_id/messages',
    {
      // A HEAD request would take the messages and show none.
      exposeHeadRoute: false,
      schema: routeSchema({
        tag: 'Mailbox',
        summary: 'Take messages, or wait for the first one',
        description:
          'Each message is leased to the caller: ack or nack it before `lease_ends_at`. ' +
          '`max` is 10 where left out, `wait` at most 60s, `lease` at most 12h.',
        params: ['agent_id'],
        query: 'PullQuery',
        replies: { 200: 'PullReply' },
      }),
    },
    async (request, reply) => {
      const { max = 10, wait, lease } = request.query;
      const waitMs = durationWithin('wait', wait, 60_000) ?? 0;
      const leaseMs = durationWithin('lease', lease, 12 * 3_600_000);
      const offers = await request.workspace.messages.pull(
        request.params.agent_id,
        leaseMs === undefined ? { max, waitMs } : { max, waitMs, leaseMs },
        goneSignal(reply, (end) => access.hold(request.principal, end), closing),
      );
      return reply.type('application/json; charset=utf-8').send(pullReply(offers));
    },
  );

  app.post<OfMessage>(
    '/agents/:agent_id/messages/:message_id/ack',
    {
      schema: routeSchema({
        tag: 'Mailbox',
        summary: 'Settle a message for good',
        params: ['agent_id', 'message_id'],
        replies: { 200: 'SettleReply' },
      }),
    },
    async (request) => {
      const { agent_id, message_id } = request.params;
      return {
        success: true,
        message_id,
        status: await request.workspace.messages.ack(agent_id, message_id),
      };
    },
  );

  app.post<OfMessage & { Body: NackBody }>(
    '/agents/:agent_id/messages/:message_id/nack',
    {
      config: { optionalBody: true },
      schema: routeSchema({
        tag: 'Mailbox',
        summary: 'Give a message back, or give it up',
        params: ['agent_id', 'message_id'],
        body: 'NackBody',
        replies: { 200: 'SettleReply' },
      }),
    },
    async (request) => {
      const { agent_id, message_id } = request.params;
      const { delay, requeue, reason } = request.body;
      const status = await request.workspace.messages.nack(agent_id, message_id, {
        ...(delay !== undefined && { delayMs: parseDuration(delay) }),
        ...(requeue === false && { giveUp: true }),
        ...(reason !== undefined && { reason }),
      });
      return { success: true, message_id, status };
    },
  );
  done();
};

function durationWithin(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const milliseconds = parseDuration(text);
  if (milliseconds <= most) return milliseconds;
  const message = `must be at most ${most / 1000}s`;
  throw new BusError('VALIDATION_FAILED', `The query string is not valid. /${name}: ${message}.`, {
    details: [{ path: `/${name}`, message }],
  });
}

/** A PullReply in which the envelopes are the bytes that came in. */
function pullReply(offers: readonly Offer[]): Buffer {
  const parts: Buffer[] = [];
  for (const { messageId, attempt, leaseEndsAt, bytes } of offers) {
    const head = JSON.stringify({
      message_id: messageId,
      attempt,
      lease_ends_at: new Date(leaseEndsAt).toISOString(),
    });
    parts.push(Buffer.from(`${parts.length > 0 ? ',' : ''}${head.slice(0, -1)},"envelope":`), bytes, Buffer.from('}'));
  }
  return Buffer.concat([Buffer.from('{"success":true,"items":['), ...parts, Buffer.from(']}')]);
}
