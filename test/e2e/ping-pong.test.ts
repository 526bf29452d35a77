import { describe, expect, it } from 'vitest';
import { backend, envelope, orchestrator, startBus } from '../support/running-bus.ts';
import type { Frame, SocketClient } from '../support/socket-client.ts';

/** Answers everything, as agents do that are too polite; resolves with the refusal that ends it. */
async function answerAll(client: SocketClient, self: string, name: (got: Frame) => object): Promise<Frame> {
  for (let turn = 0; ; turn++) {
    const frame = await client.next((one) => one.type === 'rejected' || one.message_type === 'task_request');
    if (frame.type === 'rejected') return frame;
    client.ack(frame.message_id);
    client.send(envelope(`${self.slice(0, 4)}-${turn}`, self, frame.sender.agent_id, { metadata: name(frame) }));
  }
}

async function playPingPong(config: object, name: (got: Frame) => object) {
  const bus = await startBus(config);
  const trips: string[] = [];
  bus.bus.on('guard_tripped', ({ guard }) => trips.push(guard));
  const [lead, agent] = [await bus.connect(orchestrator), await bus.connect(backend)];
  const refusal = Promise.race([answerAll(lead, orchestrator, name), answerAll(agent, backend, name)]);
  lead.send(envelope('serve', orchestrator, backend));
  const { code } = await refusal;
  const metrics = await fetch(`http://127.0.0.1:${bus.port}/metrics`, { headers: { 'x-agent-api-key': 'bus-key' } });
  const accepted = Number(/messages_total\{event="accepted"\} (\d+)/.exec(await metrics.text())?.[1]);
  return { code, trips, accepted };
}

describe('two agents that answer each other for ever', () => {
  it('are stopped at the hop limit', async () => {
    const played = await playPingPong({}, ({ message_id }) => ({ in_reply_to: message_id }));
    expect(played).toEqual({ code: 'HOP_LIMIT', trips: ['hops'], accepted: 32 });
  });

  it('are stopped at the rate of the pair where they do not say what they answer', async () => {
    const played = await playPingPong({ maxPairRate: 20 }, () => ({}));
    expect(played).toEqual({ code: 'PAIR_RATE_LIMITED', trips: ['pair_rate'], accepted: 40 });
  });
});
