// The processes of a run: servers that are held still while another is measured, and the load generator.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { programs } from './programs.mjs';
import { apiKey } from './scenarios.mjs';

const startMs = 20_000;
const stopMs = 15_000;

/** The server has one core and the load another, where the system can do that. */
export const pinning =
  process.platform === 'linux' && availableParallelism() > 1
    ? { server: 0, load: 1 }
    : { server: undefined, load: undefined };

/** @param {number | undefined} core @param {string[]} command */
function pinned(core, command) {
  return core === undefined ? command : ['taskset', '--cpu-list', String(core), ...command];
}

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/**
 * Starts a target and waits until it can be talked to. It is stopped (SIGSTOP) until `resume`.
 * @param {string} name @param {{ cli: string, nodeArgs?: string[] }} options
 */
export async function startServer(name, { cli, nodeArgs = [] }) {
  const program = programs[name];
  const directory = await mkdtemp(join(tmpdir(), `agent-bus-bench-${name}-`));
  const removeDirectory = () => rm(directory, { recursive: true, force: true });
  const launch = await Promise.resolve(program.launch({ directory, cli, nodeArgs })).catch(async (error) => {
    await removeDirectory();
    throw error;
  });
  const [command, ...args] = pinned(pinning.server, launch.command);
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: directory,
    env: { ...process.env, ...launch.env },
  });
  const ended = once(child, 'exit');
  let output = '';
  /** @type {Promise<string>} */
  const ready = new Promise((resolve) => {
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk).slice(-10_000);
      const found = launch.ready.exec(output)?.[0];
      if (found) resolve(launch.url ?? found);
    };
    child.stdout.on('data', keep);
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
    await launch.cleanUp?.();
    await removeDirectory();
  };
  const url = await Promise.race([ready, ended.then(() => undefined), delay(startMs, undefined, { ref: false })]);
  if (!url) {
    await stop();
    throw new Error(`${name} did not start (${command} ${args.join(' ')}):\n${output}`);
  }
  child.kill('SIGSTOP');
  const { protocol, acks } = program;
  return {
    name,
    target: { url, key: apiKey, pid: child.pid ?? 0, core: pinning.server, protocol, acks },
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
  const [command, ...args] = pinned(pinning.load, [
    process.execPath,
    fileURLToPath(new URL('load.mjs', import.meta.url)),
  ]);
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
