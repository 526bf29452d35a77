// A small file system that fills up under load, and has room again later.
import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { HttpClient } from './http-client.mjs';
import { runTrial } from './trial.mjs';

const execute = promisify(execFile);

const diskBytes = 128 * 2 ** 20;
const reserveBytes = 8 * 2 ** 20;
/** What the load may still write: above the reserve, where there is one. */
const leftBytes = 3 * 2 ** 20;
const patienceMs = 20_000;

const patient = 'load://patient';
const backlogSize = 50;

/**
 * With a reserve the server must refuse new mail, go on acking, and take mail again by itself; without one it must end as failed.
 * @param {{ main: string, folder: string, seed: number, encrypted: boolean, reserve: boolean }} options
 * @returns {Promise<{ faults: string[], seen: string, violations: import('./checker.mjs').Violation[] }>}
 */
export async function fillDisk({ main, folder, seed, encrypted, reserve }) {
  const disk = join(folder, 'disk');
  const ballast = join(disk, 'ballast');
  await mkdir(disk, { recursive: true });
  await execute('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk]);
  /** @type {string[]} */
  const faults = [];
  let seen = '';
  const fill = async (/** @type {number} */ left) => {
    const { bavail, bsize } = await statfs(disk);
    await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)));
  };
  try {
    const kept = reserve ? reserveBytes : 0;
    const { violations } = await runTrial({
      ...{ main, folder, seed, encrypted, dataDir: join(disk, 'data'), flags: ['--disk-reserve', String(kept)] },
      trouble: async (server, history) => {
        const until = async (/** @type {() => boolean} */ isTrue) => {
          const ended = server.exited.then(() => true);
          for (const deadline = Date.now() + patienceMs; Date.now() < deadline && !isTrue(); )
            if (await Promise.race([ended, delay(20)])) break;
          return isTrue();
        };
        const backlog = await Backlog.send(server.url);
        await fill(kept + leftBytes);
        if (reserve) {
          if (!(await until(() => history.counts.refused('STORE_FULL') > 0)))
            faults.push('no mail was refused with STORE_FULL');
          const acked = await backlog.ack();
          if (acked !== backlogSize) faults.push(`${acked} of ${backlogSize} could be acked while the disk was full`);
          await rm(ballast);
          const { accepted } = history.counts;
          if (!(await until(() => history.counts.accepted > accepted + 100)))
            faults.push('no mail was taken when there was room again');
          seen = `${history.counts.refused('STORE_FULL')} refused with STORE_FULL, ${acked} acked, then accepted again`;
          await server.kill();
          history.record({ kind: 'crash' });
        } else {
          const { code, signal } = await server.ended(patienceMs);
          history.record({ kind: 'exit', code, signal });
          if (code === 0 || signal === 'SIGKILL') faults.push(`the server ended with ${code ?? signal}`);
          seen = `ended with ${code ?? signal}, ${history.counts.refused('STORE_FAILED')} refused with STORE_FAILED`;
          await rm(ballast);
        }
      },
    });
    return { faults, seen, violations };
  } finally {
    await execute('umount', [disk]);
  }
}

/** Mail of an agent that comes for it only when the disk is full. */
class Backlog {
  #client;

  /** @param {string} url @returns {Promise<Backlog>} */
  static async send(url) {
    const backlog = new Backlog(url);
    const descriptor = { agent_id: patient, capabilities: [] };
    await backlog.#client.call('POST', '/agents/register', { agent_descriptor: descriptor });
    const messages = Array.from({ length: backlogSize }, (_, payload) => ({
      ...{ sender: { agent_id: patient }, recipient: { agent_id: patient }, message_type: 'status_update', payload },
    }));
    const { body } = await backlog.#client.call('POST', '/messages/batch', { messages });
    const refused = body.items?.find((/** @type {any} */ { success }) => !success) ?? (body.success ? undefined : body);
    if (refused) throw new Error(`the backlog was refused: ${refused.error}`);
    return backlog;
  }

  /** @param {string} url */
  constructor(url) {
    this.#client = new HttpClient(url, 8);
  }

  /** @returns how many acks were confirmed */
  async ack() {
    const mailbox = `/agents/${encodeURIComponent(patient)}/messages`;
    const { body } = await this.#client.call('GET', `${mailbox}?max=${backlogSize}`);
    const acks = body.items.map((/** @type {any} */ { message_id }) =>
      this.#client.call('POST', `${mailbox}/${message_id}/ack`),
    );
    const answers = await Promise.allSettled(acks);
    this.#client.close();
    return answers.filter((answer) => answer.status === 'fulfilled' && answer.value.status === 200).length;
  }
}
