// The servers of a run: each on a core of its own, in a data directory that may be started on again.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pinning } from '../bench/processes.mjs';
import { ServerUnderTest } from '../crash/server-under-test.mjs';

const launcher = pinning.server === undefined ? [] : ['taskset', '--cpu-list', String(pinning.server)];

/** @typedef {(flags?: string[], dataDir?: string) => Promise<ServerUnderTest & { dataDir: string }>} StartServer */

/** @param {{ cli: string, dir: string }} options */
export function createServers({ cli, dir }) {
  /** @type {ServerUnderTest[]} */
  const servers = [];
  /** @type {string[]} */
  const folders = [];
  return {
    /** @type {StartServer} */
    async start(flags = [], known) {
      const dataDir = known ?? (await mkdtemp(join(dir, 'agent-bus-scale-')));
      if (known === undefined) folders.push(dataDir);
      const server = new ServerUnderTest({ main: cli, dataDir, flags, launcher });
      servers.push(server);
      return Object.assign(await server.ready(), { dataDir });
    },
    /** Ends what still runs and removes the data. */
    async clear() {
      await Promise.all(servers.map((server) => server.kill()));
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
      servers.length = 0;
      folders.length = 0;
    },
  };
}
