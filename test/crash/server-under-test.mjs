// The real server as a process: started, timed until it is ready, killed or stopped.
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { unlimitedRates } from '../support/unlimited-rates.mjs';
import { apiKey } from './http-client.mjs';

const startMs = 30_000;
const stopMs = 20_000;
const keptOutput = 20_000;

/** @typedef {{ code: number | null, signal: string | null }} Exit */

export class ServerUnderTest {
  #child;
  /** @type {Promise<Exit>} */
  exited;
  /** The last of what it wrote to both outputs. */
  output = '';
  url = '';
  /** From the start of the process until it is ready, in milliseconds. */
  readyMs = 0;

  /** @param {{ main: string, dataDir: string, flags?: readonly string[], launcher?: readonly string[] }} options */
  constructor({ main, dataDir, flags = [], launcher = [] }) {
    const serve = [main, 'serve', '--persistence-enabled', 'true', '--port', '0', '--data-dir', dataDir];
    const settings = ['--api-key', apiKey, '--log-level', 'warn', '--ack-timeout', '5s', ...unlimitedRates, ...flags];
    const [command = '', ...args] = [...launcher, process.execPath, ...serve, ...settings];
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    const keep = (/** @type {Buffer} */ chunk) => {
      this.output = (this.output + chunk).slice(-keptOutput);
    };
    this.#child.stdout.on('data', keep);
    this.#child.stderr.on('data', keep);
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.exited.catch(() => undefined);
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it answers GET /ready with 200. */
  async ready() {
    const started = performance.now();
    while (!(await this.#isReady())) {
      const ended = await Promise.race([this.exited, delay(3)]);
      if (ended || performance.now() - started > startMs) {
        await this.kill();
        const how = ended ? `ended with ${ended.code ?? ended.signal}` : `was not ready within ${startMs} ms`;
        throw new Error(`the server ${how}:\n${this.output}`);
      }
    }
    this.readyMs = performance.now() - started;
    return this;
  }

  /** kill -9, and wait for the end. */
  async kill() {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** Resolves when the process is gone; kills it when it stays. */
  async stop() {
    this.#child.kill('SIGTERM');
    return this.ended(stopMs);
  }

  /** @param {number} withinMs @returns {Promise<Exit>} */
  async ended(withinMs) {
    const ended = await Promise.race([this.exited, delay(withinMs, undefined, { ref: false })]);
    return ended ?? this.kill();
  }

  async #isReady() {
    this.url ||= /listens on (http:\S+)\n/.exec(this.output)?.[1] ?? '';
    if (!this.url) return false;
    const answer = await fetch(`${this.url}/ready`).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    return answer?.status === 200;
  }
}
