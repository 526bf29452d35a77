// The built server as a process of its own, with the observer inside and everything it writes kept.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { unlimitedRates } from '../support/unlimited-rates.mjs';

export const apiKey = 'canary-key-9f2c41d7a8';
export const stores = ['memory', 'lmdb'];

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const observer = new URL('observer.mjs', import.meta.url).href;
const startMs = 20_000;
const stopMs = 20_000;

/** @typedef {{ at: number, delayMs: number, memory: number }} Sample */
/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/**
 * @param {{ store: string, flags?: readonly string[], fault?: string | undefined }} options
 *   `fault`: JavaScript that runs in the server before it starts.
 */
export async function startServer({ store, flags = [], fault }) {
  const folder = await mkdtemp(join(tmpdir(), 'agent-bus-hostile-'));
  const preload = fault === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(fault)}`];
  const child = spawn(
    process.execPath,
    [
      ...['--import', observer, ...preload, main, 'serve', '--port', '0', '--api-key', apiKey],
      ...['--data-dir', folder, '--persistence-enabled', String(store === 'lmdb'), ...unlimitedRates, ...flags],
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { PATH: process.env.PATH } },
  );
  /** @type {Sample[]} */
  const samples = [];
  /** Told of the memory that outlives a collection. @type {(bytes: number) => void} */
  let onLive = () => undefined;
  child.on('message', (/** @type {{ delayMs: number, memory: number } | { live: number }} */ message) => {
    if ('live' in message) onLive(message.live);
    else samples.push({ at: performance.now(), ...message });
  });
  let said = '';
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  let exit = '';
  const gone = once(child, 'close').then(([code, signal]) => {
    exit = `ended with ${code ?? signal}`;
  });
  const portIn = () => Number(/listens on http:\S+:(\d+)\n/.exec(said)?.[1] ?? 0);
  const until = performance.now() + startMs;
  while (!portIn() && !exit && performance.now() < until) await delay(10);
  const server = {
    store,
    port: portIn(),
    samples,
    /** Everything it has logged. */
    log: () => log,
    /** How it ended; empty while it runs. */
    exit: () => exit,
    /** Bytes that outlive a collection, which this is; 0 of a server that has ended. */
    async liveMemory() {
      if (exit) return 0;
      const live = new Promise((resolve) => {
        onLive = resolve;
      });
      child.send({ collect: true });
      return /** @type {Promise<number>} */ (Promise.race([live, gone.then(() => 0)]));
    },
    /** Stops it; kills it where it stays. */
    async stop() {
      if (!exit) {
        child.kill('SIGTERM');
        const stopped = await Promise.race([gone.then(() => true), delay(stopMs, false, { ref: false })]);
        if (!stopped) child.kill('SIGKILL');
        await gone;
        if (!stopped) exit = `did not stop within ${stopMs} ms`;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
  if (server.port) return server;
  await server.stop();
  throw new Error(`the server ${exit}:\n${said}${log}`);
}
