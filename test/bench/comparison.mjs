// All rounds of one scenario, the targets in turn, so that what disturbs the machine disturbs them alike.
import { peakMemory } from './cpu.mjs';
import { median, medianOfKnown, spread } from './statistics.mjs';

const rampSeconds = 0.15;
let runs = 0;

/** @typedef {Awaited<ReturnType<typeof compare>>} Comparison */
/** @typedef {Comparison['targets'][number]} TargetResult */

/**
 * @param {object} work
 * @param {import('./scenarios.mjs').Scenario} work.scenario
 * @param {import('./processes.mjs').Server[]} work.servers The first is the one the others are compared with.
 * @param {ReturnType<import('./processes.mjs').startLoad>} work.load
 * @param {Pick<import('./options.mjs').Options, 'rounds' | 'seconds' | 'warmUpSeconds' | 'halfLoadRounds'>} work.options
 */
export async function compare({ scenario, servers, load, options }) {
  const { rounds, seconds, warmUpSeconds, halfLoadRounds } = options;
  for (const server of servers) await runAlone({ server, scenario, load, seconds: warmUpSeconds });
  const full = await inTurn(servers, rounds, (server) => runAlone({ server, scenario, load, seconds }));
  const halves = full.map((results) => median(ratesOf(results)) / 2);
  const half = await inTurn(servers, halfLoadRounds, (server, index) =>
    runAlone({ server, scenario, load, seconds, rate: halves[index] }),
  );
  const [reference] = full;
  const targets = servers.map((server, index) => ({
    name: server.name,
    ...mediansOf(full[index]),
    perSecond: spread(ratesOf(full[index])),
    ratio: spread(full[index].map((result, round) => result.perSecond / reference[round].perSecond)),
    cpuRatio: medianOfKnown(full[index].map((result, round) => cpuRatio(result, reference[round]))),
    peakMemoryMiB: peakMemory(server.target.pid),
    half: { asked: halves[index], ...mediansOf(half[index]) },
    rounds: full[index],
  }));
  return { name: scenario.name, about: scenario.about, targets };
}

/**
 * One round with every other server held still.
 * @param {Pick<import('./round.mjs').Order, 'scenario' | 'seconds'> & { rate?: number,
 *   server: import('./processes.mjs').Server, load: ReturnType<import('./processes.mjs').startLoad> }} work
 */
export async function runAlone({ server, scenario, load, seconds, rate }) {
  const run = `${Date.now().toString(36).slice(-5)}${String(runs++).padStart(4, '0')}`;
  server.resume();
  try {
    return await load.round({ target: server.target, scenario, run, seconds, rampSeconds, ...(rate ? { rate } : {}) });
  } catch (error) {
    throw new Error(`${scenario.name}, ${server.name}: ${/** @type {Error} */ (error).message}\n${server.output()}`);
  } finally {
    server.pause();
  }
}

/**
 * The results of each server, in the order of the rounds.
 * @template T @param {import('./processes.mjs').Server[]} servers @param {number} rounds
 * @param {(server: import('./processes.mjs').Server, index: number) => Promise<T>} run @returns {Promise<T[][]>}
 */
async function inTurn(servers, rounds, run) {
  /** @type {T[][]} */
  const results = servers.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, server] of servers.entries()) results[index].push(await run(server, index));
  }
  return results;
}

/** @param {import('./round.mjs').RoundResult[]} rounds */
function ratesOf(rounds) {
  return rounds.map((round) => round.perSecond);
}

/**
 * How many messages it does with the CPU time of one of the reference's; other programs distort that less than the rate.
 * @param {import('./round.mjs').RoundResult} result @param {import('./round.mjs').RoundResult} reference
 */
function cpuRatio(result, reference) {
  if (result.cpuPerMessageUs === undefined || reference.cpuPerMessageUs === undefined) return undefined;
  return reference.cpuPerMessageUs / result.cpuPerMessageUs;
}

/** @param {import('./round.mjs').RoundResult[]} rounds */
function mediansOf(rounds) {
  return {
    perSecond: median(ratesOf(rounds)),
    cpuPerMessageUs: medianOfKnown(rounds.map((round) => round.cpuPerMessageUs)),
    serverBusy: medianOfKnown(rounds.map((round) => round.serverBusy)),
    disturbed: medianOfKnown(rounds.map((round) => round.disturbed)),
    loadBusy: median(rounds.map((round) => round.loadBusy)),
    latencyMs: {
      p50: median(rounds.map((round) => round.latencyMs.p50)),
      p99: median(rounds.map((round) => round.latencyMs.p99)),
    },
  };
}
