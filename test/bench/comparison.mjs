// All rounds of one scenario, the targets in turn, so that what disturbs the machine disturbs them alike.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { peakMemory } from './cpu.mjs';
import { median, medianOfKnown, spread } from './statistics.mjs';

const rampSeconds = 0.15;
let runs = 0;

/** @typedef {Awaited<ReturnType<typeof compare>>} Comparison */
/** @typedef {Comparison['targets'][number]} TargetResult */

/**
 * @param {object} work
 * @param {import('./options.mjs').Plan} work.plan
 * @param {Map<string, import('./processes.mjs').Server>} work.servers By target.
 * @param {ReturnType<import('./processes.mjs').startLoad>} work.load
 * @param {Pick<import('./options.mjs').Options, 'rounds' | 'seconds' | 'warmUpSeconds' | 'halfLoadRounds'>} work.options
 */
export async function compare({ plan, servers, load, options }) {
  const { rounds, seconds, warmUpSeconds, halfLoadRounds } = options;
  const entrants = plan.entrants.map(({ name, target, scenario }) => {
    const server = servers.get(target);
    if (!server) throw new Error(`${target} was not started`);
    return { name, scenario, server };
  });
  for (const entrant of entrants) await runAlone({ ...entrant, load, seconds: warmUpSeconds });
  const full = await inTurn(entrants, rounds, (entrant) => runAlone({ ...entrant, load, seconds }));
  const halves = full.map((results) => median(ratesOf(results)) / 2);
  const half = await inTurn(entrants, halfLoadRounds, (entrant, index) =>
    runAlone({ ...entrant, load, seconds, rate: halves[index] }),
  );
  const [reference] = full;
  const targets = entrants.map(({ name, server }, index) => ({
    name,
    ...mediansOf(full[index]),
    perSecond: spread(ratesOf(full[index])),
    ratio: spread(full[index].map((result, round) => result.perSecond / reference[round].perSecond)),
    cpuRatio: medianOfKnown(full[index].map((result, round) => cpuRatio(result, reference[round]))),
    peakMemoryMiB: peakMemory(server.target.pid),
    half: { asked: halves[index], ...mediansOf(half[index]) },
    rounds: full[index],
  }));
  return { name: plan.name, about: plan.about, targets };
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
    await flushed();
  }
}

/** What a server wrote and left to the system is on disk before the next one waits for that disk. */
async function flushed() {
  await promisify(execFile)('sync');
}

/**
 * The results of each entrant, in the order of the rounds.
 * @template E, T @param {E[]} entrants @param {number} rounds
 * @param {(entrant: E, index: number) => Promise<T>} run @returns {Promise<T[][]>}
 */
async function inTurn(entrants, rounds, run) {
  /** @type {T[][]} */
  const results = entrants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, entrant] of entrants.entries()) results[index].push(await run(entrant, index));
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
