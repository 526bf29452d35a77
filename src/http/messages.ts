// Routes that send envelopes and tell what became of them.
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessWatch } from '../bus/access-watch.ts';
import type { RateLimit } from '../bus/rate-limit.ts';
import type { Batch, Envelope } from '../protocol/types.gen.ts';
import { validationError, validatorOf } from '../schema/registry.ts';
import { type NoteRefusal, refusedRequest } from './audit.ts';
import { elementsOf } from './batch-elements.ts';
import { toBusError } from './errors.ts';
import { goneSignal } from './gone.ts';
import { logIdsOf } from './log-ids.ts';
import { problemOf } from './problem.ts';
import { receiptText } from './receipt-text.ts';
import { assertKeysOnce } from './repeated-keys.ts';
import { routeSchema } from './route-schema.ts';
import { type Sent, sentOf } from './sent.ts';

interface MessageOptions {
  rateLimit: RateLimit;
  /** Ends the wait of those whose key is over. */
  access: AccessWatch;
  onRefusal: NoteRefusal;
}

const isEnvelope = validatorOf<Envelope>('Envelope');

export const messageRoutes: FastifyPluginCallback<MessageOptions> = (app, { rateLimit, access, onRefusal }, done) => {
  const waiting = (request: FastifyRequest, reply: FastifyReply): AbortSignal =>
    goneSignal(reply, (end) => access.hold(request.principal, end));

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
        replies: { 200: 'Receipt', 202: 'AnyReceipt' },
      }),
    },
    (request, reply) => {
      const { body: envelope, principal, rawBody } = request;
      assertKeysOnce(principal, rawBody, envelope);
      const sending = request.workspace.messages.send({
        envelope,
        principal,
        ...(rawBody && { raw: rawBody }),
        ...(isSync(envelope) && { signal: waiting(request, reply) }),
      });
      forgetBody(request, sentOf(envelope.message_id, envelope.sender));
      sending.then(
        (receipt) => reply.code('reply' in receipt ? 200 : 202).send(receipt),
        (error: unknown) => reply.send(error),
      );
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
    (request, reply) => {
      const { principal, workspace } = request;
      const refused = (error: unknown, sent: Partial<Sent>): string => {
        const refusal = toBusError(error);
        onRefusal(refusal, { ...refusedRequest(request), ...logIdsOf({ body: sent }) });
        return JSON.stringify(problemOf(refusal, sent.message_id));
      };
      const sendOne = (envelope: unknown, raw: Buffer | undefined, signal: AbortSignal | undefined) => {
        const sent = anySentOf(envelope);
        try {
          if (!isEnvelope(envelope)) throw validationError('envelope', isEnvelope.errors);
          assertKeysOnce(principal, raw ?? null, envelope);
          rateLimit.take(principal);
          const sending = workspace.messages.send({ envelope, principal, raw, signal });
          return sending.then(receiptText, (error: unknown) => refused(error, sent));
        } catch (error) {
          return refused(error, sent);
        }
      };
      const sendAll = ({ messages }: Batch) => {
        const signal = messages.some(isSync) ? waiting(request, reply) : undefined;
        const raw = request.rawBody ? elementsOf(request.rawBody, messages.length) : undefined;
        return messages.map((one, index) => sendOne(one, raw?.[index], signal));
      };
      const items = sendAll(request.body);
      forgetBody(request, {});
      Promise.all(items).then(
        (texts) => reply.type('application/json; charset=utf-8').send(`{"success":true,"items":[${texts.join(',')}]}`),
        (error: unknown) => reply.send(error),
      );
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
      message: await request.workspace.messages.find(request.params.message_id, request.principal),
    }),
  );
  done();
};

/** Also for what may turn out to be no envelope. */
function isSync(envelope: unknown): boolean {
  return (envelope as Partial<Envelope> | null)?.routing?.delivery_mode === 'sync';
}

/** What was sent is on its way: of the request, no more than a refusal is told with is in memory until the answer. */
function forgetBody(request: FastifyRequest, instead: object): void {
  request.body = instead;
  request.rawBody = null;
}

/** The same of what may turn out to be no envelope. */
function anySentOf(envelope: unknown): Partial<Sent> {
  const { message_id, sender } = (envelope ?? {}) as Partial<Sent>;
  return { ...(typeof message_id === 'string' && { message_id }), ...(sender && { sender }) };
}
