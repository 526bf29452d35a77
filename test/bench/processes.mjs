// The processes of a run: servers that are held still while another is measured, and the load generator.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { apiKey } from './scenarios.mjs';

const startMs = 20_000;
const stopMs = 15_000;

/** The server has one core and the load another, where the system can do that. */
export const pinning =
  process.platform === 'linux' && availableParallelism() > 1
    ? { server: 0, load: 1 }
    : { server: undefined, load: undefined };

/** @param {number | undefined} core @param {string[]} args @returns {[string, string[]]} */
function pinned(core, args) {
  if (core === undefined) return [process.execPath, args];
  return ['taskset', ['--cpu-list', String(core), process.execPath, ...args]];
}

const yardstick = fileURLToPath(new URL('yardstick.mjs', import.meta.url));

/**
 * Each target by name: what to run, in a directory of its own.
 * @type {Record<string, { acks: boolean, args: (cli: string, directory: string) => string[] }>}
 */
const programs = {
  yardstick: { acks: false, args: () => [yardstick] },
  memory: { acks: true, args: (cli, directory) => serve(cli, directory, false) },
  lmdb: { acks: true, args: (cli, directory) => serve(cli, directory, true) },
  control: { acks: false, args: () => [yardstick] },
  corked: { acks: false, args: () => [yardstick, '--cork'] },
};
export const targetNames = Object.keys(programs);

/** @param {string} cli @param {string} directory @param {boolean} persistent */
function serve(cli, directory, persistent) {
  return [
    ...[cli, 'serve', '--port', '0', '--log-level', 'warn', '--api-key', apiKey],
    ...['--persistence-enabled', String(persistent), '--data-dir', directory],
  ];
}

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/**
 * Starts a target and waits for the URL that it prints. It is stopped (SIGSTOP) until `resume`.
 * @param {string} name @param {{ cli: string, nodeArgs?: string[] }} options
 */
export async function startServer(name, { cli, nodeArgs = [] }) {
  const program = programs[name];
  const directory = await mkdtemp(join(tmpdir(), `agent-bus-bench-${name}-`));
  const [command, args] = pinned(pinning.server, [...nodeArgs, ...program.args(cli, directory)]);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory });
  const ended = once(child, 'exit');
  let output = '';
  /** @type {Promise<string | undefined>} */
  const printed = new Promise((resolve) => {
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk).slice(-10_000);
    };
    let said = '';
    child.stdout.on('data', (chunk) => {
      keep(chunk);
      said = (said + chunk).slice(-10_000);
      const url = /https?:\/\/[\w.]+:\d+/.exec(said)?.[0];
      if (url) resolve(url);
    });
    child.stderr.on('data', keep);
  });
  const stop = async () => {
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    if (!(await Promise.race([ended, delay(stopMs, undefined, { ref: false })]))) {
      console.error(`${name} did not end within ${stopMs} ms of SIGTERM`);
      child.kill('SIGKILL');
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  };
  const url = await Promise.race([printed, ended.then(() => undefined), delay(startMs, undefined, { ref: false })]);
  if (!url) {
    await stop();
    throw new Error(`${name} did not start (${command} ${args.join(' ')}):\n${output}`);
  }
  child.kill('SIGSTOP');
  return {
    name,
    target: { url, key: apiKey, pid: child.pid ?? 0, core: pinning.server, acks: program.acks },
    /** What it wrote last, for the report of a failure. */
    output: () => output,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    /** Ends it and removes its files. */
    stop,
  };
}

/** Starts the load generator. */
export function startLoad() {
  const [command, args] = pinned(pinning.load, [fileURLToPath(new URL('load.mjs', import.meta.url))]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(() => ({ failure: 'the load generator ended' }));
  return {
    /**
     * @param {import('./round.mjs').Order} order @returns {Promise<import('./round.mjs').RoundResult>}
     * @throws Error when the round did not add up.
     */
    async round(order) {
      const answered = once(child, 'message');
      child.send(order);
      const limit = (order.seconds + order.rampSeconds + 60) * 1000;
      const silent = delay(limit, { failure: `no result after ${limit} ms` }, { ref: false });
      const answer = await Promise.race([answered.then(([message]) => message), ended, silent]);
      if ('failure' in answer) throw new Error(answer.failure);
      return answer.result;
    },
    async stop() {
      child.kill();
      await ended;
    },
  };
}
