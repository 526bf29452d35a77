// The yardstick: the best that a plain relay does in one Node process. It parses, validates with the bus's own schema, looks
// the recipient's socket up and sends. Nothing is stored, acknowledged or recognised as a repeat.
// With `--cork` the frames of one turn leave in one write, which a plain relay does not do.
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import fastify from 'fastify';
import { WebSocketServer } from 'ws';

const maxPayload = 1_048_576;
const corking = process.argv.includes('--cork');
const folder = new URL('../../schemas/', import.meta.url);
const ajv = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true });
ajvFormats.default(ajv, ['date-time', 'uri']);
ajv.addVocabulary(['tsType', 'expects']);
for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  ajv.addSchema(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
}
const validateEnvelope = ajv.compile({ $ref: 'envelope.json#/definitions/Envelope' });

/** @type {Map<string, (frame: Buffer | string) => void>} What sends to an agent. */
const agents = new Map();
/** The bytes of a body, so that an envelope goes out as it came in. */
const rawBody = Symbol('raw body');

const app = fastify({ bodyLimit: maxPayload, forceCloseConnections: true });
app.setValidatorCompiler(({ schema }) => ajv.compile(schema));
app.removeContentTypeParser('application/json');
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
  request[rawBody] = body;
  try {
    done(null, JSON.parse(body.toString()));
  } catch (error) {
    done(Object.assign(error, { statusCode: 400 }));
  }
});

const sendSchema = { body: { $ref: 'envelope.json#/definitions/Envelope' } };
app.post('/messages/send', { schema: sendSchema }, async (request, reply) => {
  const send = agents.get(request.body.recipient.agent_id);
  if (!send) return reply.code(404).send({ success: false });
  send(request[rawBody]);
  return reply.code(202).send({ success: true, message_id: request.body.message_id, status: 'offered' });
});

const batchSchema = { body: { $ref: 'message.json#/definitions/Batch' } };
app.post('/messages/batch', { schema: batchSchema }, async (request, reply) => {
  const items = request.body.messages.map((envelope) => {
    const send = validateEnvelope(envelope) ? agents.get(envelope.recipient.agent_id) : undefined;
    send?.(JSON.stringify(envelope));
    return { success: send !== undefined, message_id: envelope.message_id, status: 'offered' };
  });
  return reply.code(202).send({ success: true, items });
});

const server = new WebSocketServer({ server: app.server, maxPayload, perMessageDeflate: false });
server.on('connection', (socket, request) => {
  const agentId = new URL(request.url ?? '/', 'http://localhost').searchParams.get('agent_id') ?? '';
  const cork = corking ? createCork(request.socket) : () => {};
  const send = (/** @type {Buffer | string} */ frame) => {
    cork();
    socket.send(frame, { binary: false });
  };
  agents.set(agentId, send);
  socket.on('close', () => {
    if (agents.get(agentId) === send) agents.delete(agentId);
  });
  socket.on('message', (data) => {
    const envelope = JSON.parse(data.toString());
    if (!validateEnvelope(envelope)) return socket.close(1008);
    agents.get(envelope.recipient.agent_id)?.(data);
  });
});

/** Holds what is written back until the turn ends. @param {import('node:net').Socket} socket */
function createCork(socket) {
  let corked = false;
  return () => {
    if (corked) return;
    corked = true;
    socket.cork();
    setImmediate(() => {
      corked = false;
      socket.uncork();
    });
  };
}

process.once('SIGTERM', () => {
  for (const socket of server.clients) socket.terminate();
  void app.close();
});
console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
