// A process of its own that attacks: runs the groups it is told to, and reports what it finds to the suite.
import { groups, largeGroups } from './groups.mjs';
import { RawConnection } from './raw-connection.mjs';
import { replyOn, requestOf } from './raw-http.mjs';
import { RawWebSocket } from './raw-websocket.mjs';
import { createTarget } from './target.mjs';

const order = JSON.parse(process.argv[2] ?? '');
let inputs = 0;
let group = '';

const target = createTarget(order, {
  violation: (text, where) => void process.send?.({ violation: { group, text, where } }),
  tried: () => {
    inputs++;
  },
});

/** @param {string} method @param {string} path @param {object} body */
async function call(method, path, body) {
  const connection = new RawConnection(target);
  await connection.write(requestOf(method, path, JSON.stringify(body)));
  const reply = await replyOn(connection);
  connection.close();
  return JSON.parse(String(reply?.body));
}

// Agents that can be written to; what they get is taken at once, so that no mail piles up.
for (const agent_id of ['hostile://json', 'hostile://sender', 'hostile://fuzz', 'hostile://websocket']) {
  const { token } = await call('POST', '/agents/register', { agent_descriptor: { agent_id, capabilities: [] } });
  if (agent_id === 'hostile://sender') target.senderToken = token;
}
await call('POST', '/sessions', {
  session_id: 'sess_1',
  orchestrator: 'hostile://fuzz',
  participants: [{ agent_id: 'hostile://sink', role: 'sink' }],
  workflow: [{ name: 'design', required_agents: ['hostile://sink'] }],
});
const sinks = await Promise.all(
  ['hostile://sink', 'a://b'].map((agent) =>
    RawWebSocket.open(target, agent, { headers: { 'sec-websocket-protocol': undefined } }),
  ),
);
const draining = sinks.map(async (sink) => {
  while (!sink.connection.ended) await sink.next(600_000);
});

for (const [name, { run }] of Object.entries({ ...groups, ...largeGroups })) {
  if (!order.groups.includes(name)) continue;
  group = name;
  process.send?.({ begun: name });
  const started = performance.now();
  const before = inputs;
  await run(target).catch((error) => target.violation(`the group broke off: ${error.stack ?? error}`));
  process.send?.({ group: { name, inputs: inputs - before, ms: performance.now() - started } });
}
for (const sink of sinks) sink.close();
await Promise.all(draining);
process.send?.({ done: true }, () => process.exit(0));
