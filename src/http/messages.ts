// Routes that send envelopes and tell what became of them.
import type { FastifyPluginCallback } from 'fastify';
import type { Bus } from '../bus/bus.ts';
import type { Principal } from '../bus/identity.ts';
import type { Batch, Envelope, Problem, Receipt } from '../protocol/types.gen.ts';
import { validationError, validatorOf } from '../schema/registry.ts';
import { toBusError } from './errors.ts';
import { goneSignal } from './gone.ts';
import { problemOf } from './problem.ts';
import { routeSchema } from './route-schema.ts';

const isEnvelope = validatorOf<Envelope>('Envelope');

export const messageRoutes: FastifyPluginCallback<{ bus: Bus }> = (app, { bus }, done) => {
  app.post<{ Body: Envelope }>(
    '/messages/send',
    {
      schema: routeSchema({
        tag: 'Messages',
        summary: 'Send an envelope',
        description:
          'Answers 202 with the receipt once the envelope is stored. With `delivery_mode: sync` it waits and answers ' +
          '200 with the `reply`, or 504.',
        body: 'Envelope',
        replies: { 200: 'Receipt', 202: 'Receipt' },
      }),
    },
    async (request, reply) => {
      const { body: envelope, principal, rawBody } = request;
      const sync = envelope.routing?.delivery_mode === 'sync';
      const receipt = await bus.messages.send({
        envelope,
        principal,
        ...(rawBody && { raw: rawBody }),
        ...(sync && { signal: goneSignal(reply) }),
      });
      reply.code(receipt.reply === undefined ? 202 : 200);
      return receipt;
    },
  );

  app.post<{ Body: Batch }>(
    '/messages/batch',
    {
      schema: routeSchema({
        tag: 'Messages',
        summary: 'Send up to 1,000 envelopes',
        description: 'Each is accepted or refused on its own: `items` holds a receipt or a problem for each, in order.',
        body: 'Batch',
        replies: { 200: 'BatchReply' },
      }),
    },
    async (request) => {
      const { messages } = request.body;
      return {
        success: true,
        items: await Promise.all(messages.map((one) => sendOne(bus, request.principal, one))),
      };
    },
  );

  app.get<{ Params: { message_id: string } }>(
    '/messages/:message_id',
    {
      schema: routeSchema({
        tag: 'Messages',
        summary: 'Where a message is now, and every attempt to deliver it',
        params: ['message_id'],
        replies: { 200: 'MessageReply' },
      }),
    },
    async (request) => ({
      success: true,
      message: await bus.messages.find(request.params.message_id, request.principal),
    }),
  );
  done();
};

async function sendOne(bus: Bus, principal: Principal, envelope: unknown): Promise<Receipt | Problem> {
  try {
    if (!isEnvelope(envelope)) throw validationError('envelope', isEnvelope.errors);
    bus.rateLimit.take(principal);
    return await bus.messages.send({ envelope, principal });
  } catch (error) {
    const id = (envelope as { message_id?: unknown } | null)?.message_id;
    return problemOf(toBusError(error), typeof id === 'string' ? id : undefined);
  }
}
