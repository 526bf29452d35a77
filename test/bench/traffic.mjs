// The senders and receivers of one round, and the pump that keeps their windows full or their pace even.
import { createEnvelope } from './envelopes.mjs';
import { HttpLane } from './http-lane.mjs';
import { protocols } from './protocols.mjs';
import { backlogLimit } from './scenarios.mjs';

/** @param {import('./round.mjs').Order} order @param {import('./ledger.mjs').Ledger} ledger */
export function connectTraffic({ target, scenario, run, rate }, ledger) {
  const timestamp = new Date().toISOString();
  /** @type {(error: Error) => void} */
  let failed = () => {};
  /** @type {Promise<never>} */
  const failure = new Promise((_, reject) => {
    failed = reject;
  });
  failure.catch(() => {});

  const pump = createPump({ scenario, rate, ledger, lanes: () => lanes });
  const { Sender, Receiver } = protocols[target.protocol];
  const receiverId = (/** @type {number} */ index) => `bench://receiver-${index}`;
  const queueOf = (/** @type {number} */ index) => `q_${run}_${index}`;
  // Every receiver hears one sender, so that it knows its mail byte for byte.
  const senderId = (/** @type {number} */ index) => `bench://sender-${scenario.door === 'http' ? 'http' : index}`;
  const envelopes = Array.from({ length: scenario.receivers }, (_, index) =>
    createEnvelope({ run, sender: senderId(index), recipient: receiverId(index), timestamp }),
  );
  const receivers = envelopes.map((envelope, index) => {
    const events = {
      failed,
      acked: (/** @type {number} */ count) => {
        ledger.acked += count;
      },
      delivered: (/** @type {number} */ counter) => {
        ledger.deliver(counter, performance.now());
        if (!ledger.receipts) lanes[index].delivered();
        pump.wake();
      },
    };
    return new Receiver({ target, run, agentId: receiverId(index), queue: queueOf(index), envelope, events });
  });
  const events = {
    failed,
    accepted: (/** @type {number} */ counter) => {
      ledger.accept(counter);
      pump.wake();
    },
  };
  const lanes = Array.from({ length: scenario.lanes }, (_, index) => {
    const body = Array.from({ length: scenario.batch }, (_, place) => envelopes[(index + place) % envelopes.length]);
    if (scenario.door === 'http') return new HttpLane({ target, run, envelopes: body, events });
    const parties = { agentId: senderId(index), queue: queueOf(index), envelope: body[0] };
    return new Sender({ target, run, ...parties, window: scenario.window, events });
  });

  const parts = [...receivers, ...lanes];
  return {
    ready: Promise.race([failure, Promise.all(parts.map((part) => part.ready()))]),
    start: pump.start,
    stop: pump.stop,
    /** Resolves when the server has counted every ack. */
    finish: () => Promise.all(receivers.map((receiver) => receiver.finish())),
    /** @param {Promise<unknown>} work */
    unlessFailed: (work) => Promise.race([failure, work]),
    close() {
      pump.stop();
      for (const part of parts) part.close();
    },
  };
}

/**
 * @typedef {object} Lane
 * @property {number} room
 * @property {(count: number, nextCounter: () => number) => void} send
 */

/**
 * Without a rate it fills every window at the end of each turn in which one opened; with a rate it sends what is due each millisecond.
 * @param {{ scenario: import('./scenarios.mjs').Scenario, rate: number | undefined, ledger: import('./ledger.mjs').Ledger, lanes: () => Lane[] }} options
 */
function createPump({ scenario, rate, ledger, lanes }) {
  let running = false;
  let awake = false;
  let startedAt = 0;
  let turn = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let ticker;

  function fill() {
    awake = false;
    if (!running) return;
    const now = performance.now();
    const nextCounter = () => ledger.send(now);
    const all = lanes();
    let due = rate ? Math.floor(((now - startedAt) / 1000) * rate) - ledger.sent : Number.POSITIVE_INFINITY;
    for (let step = 0; step < all.length && due > 0; step++) {
      const lane = all[turn++ % all.length];
      const even = Math.max(scenario.batch, Math.ceil(due / (all.length - step)));
      const count = Math.min(lane.room, even, backlogLimit - ledger.outstanding, ledger.room);
      if (count < scenario.batch) continue;
      lane.send(count, nextCounter);
      due -= count;
    }
  }

  return {
    start() {
      running = true;
      startedAt = performance.now();
      if (rate) ticker = setInterval(fill, 1);
      else fill();
    },
    stop() {
      running = false;
      clearInterval(ticker);
    },
    wake() {
      if (awake || rate || !running) return;
      awake = true;
      setImmediate(fill);
    },
  };
}
