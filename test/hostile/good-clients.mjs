// A process of its own: clients that do nothing wrong, while others do. Each message is timed from sending to arrival.
import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { withoutStamp } from '../support/stamp.mjs';

/** Messages of each lane per second. */
const rate = 25;
const drainMs = 20_000;

/** @typedef {{ sentAt: number, phase: string, digest: string, confirmed: boolean, arrived: boolean }} Sent */

const { port, apiKey } = JSON.parse(process.argv[2] ?? '');
const agent = new Agent({ keepAlive: true });
/** @type {Map<string, Sent>} */
const sent = new Map();
/** Milliseconds, by phase. @type {Record<string, number[]>} */
const latencies = {};
/** @type {string[]} */
const faults = [];
let phase = 'start';
let stopping = false;
let count = 0;

const fault = (/** @type {string} */ text) => {
  if (faults.length < 20) faults.push(text);
};
const digestOf = (/** @type {Buffer | string} */ bytes) => createHash('sha256').update(bytes).digest('base64url');

/** @param {string} from @param {string} to */
function nextEnvelope(from, to) {
  const text = JSON.stringify({
    message_id: `good-${process.pid}-${++count}`,
    timestamp: new Date().toISOString(),
    sender: { agent_id: `good://${from}`, framework: 'good' },
    recipient: { agent_id: `good://${to}`, framework: 'good' },
    message_type: 'status_update',
    priority: 'medium',
    payload: { count, text: 'canary-payload-good-z '.repeat(20) },
    routing: { timeout: '1h', retry_policy: { max_retries: 3, backoff: 'linear' }, delivery_mode: 'async' },
  });
  sent.set(`good-${process.pid}-${count}`, {
    sentAt: performance.now(),
    phase,
    digest: digestOf(text),
    confirmed: false,
    arrived: false,
  });
  return text;
}

/** @param {string} id */
function confirmed(id) {
  const message = sent.get(id);
  if (message) message.confirmed = true;
}

/** @param {string} id @param {Buffer | string} bytes */
function arrived(id, bytes) {
  const message = sent.get(id);
  if (!message) return fault(`a message came that no good client sent: ${id}`);
  if (message.digest !== digestOf(withoutStamp(String(bytes)))) fault(`${id} came with other bytes than it was sent`);
  if (message.arrived) return;
  message.arrived = true;
  latencies[message.phase] ??= [];
  latencies[message.phase]?.push(performance.now() - message.sentAt);
}

/** @param {string} name @param {string[]} protocols @param {(frame: any, bytes: Buffer) => void} onFrame @returns {Promise<WebSocket>} */
function connect(name, protocols, onFrame) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?agent_id=good://${name}`, protocols, {
    headers: { 'x-agent-api-key': apiKey },
    perMessageDeflate: false,
  });
  socket.on('message', (data) => onFrame(JSON.parse(data.toString()), /** @type {Buffer} */ (data)));
  socket.on('close', (code) => {
    if (!stopping) fault(`the socket of ${name} was closed with ${code}`);
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', (error) => {
      fault(`the socket of ${name}: ${error.message}`);
      reject(error);
    });
  });
}

/** @param {string} method @param {string} path @param {string} [body] @returns {Promise<{ status: number, text: string }>} */
function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = {
      'x-agent-api-key': apiKey,
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const outgoing = request({ host: '127.0.0.1', port, method, path, agent, headers, timeout: 30_000 }, (reply) => {
      /** @type {Buffer[]} */
      const parts = [];
      reply.on('data', (part) => parts.push(part));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      reply.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 30 s')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Calls `send` at the rate until the end. @param {() => void} send */
async function steadily(send) {
  const started = performance.now();
  for (let turn = 0; !stopping; turn++) {
    send();
    await delay(Math.max(0, started + ((turn + 1) * 1000) / rate - performance.now()));
  }
}

/** @param {string} envelope */
async function post(envelope) {
  const { status, text } = await call('POST', '/messages/send', envelope);
  if (status === 202) confirmed(JSON.parse(text).message_id);
  else fault(`a good send was answered with ${status} ${text.slice(0, 200)}`);
}

const onError = (/** @type {Error} */ error) => fault(`a good client failed: ${error.message}`);

/** Socket to socket, with receipts and acks. */
async function framedLane() {
  const receiver = await connect('framed-receiver', ['agent-bus.v1'], (frame, bytes) => {
    if (frame.message_type === undefined) return;
    arrived(frame.message_id, bytes);
    receiver.send(JSON.stringify({ type: 'ack', message_id: frame.message_id }));
  });
  const sender = await connect('framed-sender', ['agent-bus.v1'], (frame) => {
    if (frame.type === 'rejected') fault(`a good frame was rejected: ${JSON.stringify(frame)}`);
    for (const { message_id } of frame.receipts ?? []) confirmed(message_id);
  });
  return () => sender.send(nextEnvelope('framed-sender', 'framed-receiver'));
}

/** HTTP to a socket without subprotocol. */
async function plainLane() {
  await connect('plain-receiver', [], (frame, bytes) => arrived(frame.message_id, bytes));
  return () => void post(nextEnvelope('http-sender', 'plain-receiver')).catch(onError);
}

/** HTTP to long polls, with acks. */
async function pulledLane() {
  const descriptor = { agent_descriptor: { agent_id: 'good://puller', capabilities: [] } };
  await call('POST', '/agents/register', JSON.stringify(descriptor));
  const pull = async () => {
    while (!stopping || [...sent.values()].some((one) => !one.arrived)) {
      const { status, text } = await call('GET', '/agents/good://puller/messages?max=20&wait=2s');
      if (status !== 200) return fault(`a good pull was answered with ${status} ${text.slice(0, 200)}`);
      for (const { message_id, envelope } of JSON.parse(text).items) {
        arrived(message_id, JSON.stringify(envelope));
        await call('POST', `/agents/good://puller/messages/${message_id}/ack`);
      }
    }
  };
  pull().catch(onError);
  return () => void post(nextEnvelope('http-sender', 'puller')).catch(onError);
}

process.on('message', async (/** @type {{ phase?: string }} */ order) => {
  if (order.phase !== undefined) {
    phase = order.phase;
    return;
  }
  stopping = true;
  const until = performance.now() + drainMs;
  const open = () => [...sent.values()].filter((one) => !one.arrived || !one.confirmed);
  while (open().length > 0 && performance.now() < until) await delay(20);
  const lost = [...sent].filter(([, one]) => !one.arrived).map(([id]) => id);
  const unconfirmed = [...sent].filter(([, one]) => !one.confirmed).map(([id]) => id);
  process.send?.({ sent: sent.size, lost, unconfirmed, faults, latencies }, () => process.exit(0));
});
process.on('disconnect', () => process.exit(1));

try {
  const lanes = [await framedLane(), await plainLane(), await pulledLane()];
  process.send?.({ ready: true });
  await Promise.all(lanes.map(steadily));
} catch (error) {
  onError(/** @type {Error} */ (error));
  process.send?.({ ready: false, reason: faults[0] });
}
