// What can be measured: how each target is run, in a directory of its own, and what it speaks.
import { access, constants } from 'node:fs/promises';
import { delimiter, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unlimitedRates } from '../support/unlimited-rates.mjs';
import { peerPrograms } from './peers/programs.mjs';
import { apiKey } from './scenarios.mjs';

/**
 * @typedef {object} Launch
 * @property {string[]} command
 * @property {NodeJS.ProcessEnv} [env] Beside the environment of the run.
 * @property {RegExp} ready What it prints when it can be talked to.
 * @property {string} [url] Where that does not name it.
 * @property {() => Promise<unknown>} [cleanUp] Ends what was started beside it.
 */

/**
 * @typedef {object} Program
 * @property {keyof typeof import('./protocols.mjs').protocols} protocol
 * @property {boolean} acks Whether it says what it accepted and wants acks.
 * @property {boolean} [built] Whether it is what `npm run build` made.
 * @property {{ commands: string[], package: string }} [needs] What has to be installed beside Node.
 * @property {(place: { directory: string, cli: string, nodeArgs: string[] }) => Launch | Promise<Launch>} launch
 */

const printedUrl = /https?:\/\/[\w.]+:\d+/;
const yardstickFile = fileURLToPath(new URL('yardstick.mjs', import.meta.url));

/**
 * A bare relay is what its three packages are as they come: without the addon for the masks of frames that the bus has
 * beside them, unless `env` says otherwise.
 * @param {string[]} flags @param {NodeJS.ProcessEnv} env @returns {Program}
 */
function yardstick(flags = [], env = { WS_NO_BUFFER_UTIL: '1' }) {
  return {
    protocol: 'bus',
    acks: false,
    launch: ({ nodeArgs }) => ({
      command: [process.execPath, ...nodeArgs, yardstickFile, ...flags],
      env,
      ready: printedUrl,
    }),
  };
}

/** @param {boolean} persistent @param {string[]} flags @returns {Program} */
function bus(persistent, ...flags) {
  return {
    protocol: 'bus',
    acks: true,
    built: true,
    launch: ({ directory, cli, nodeArgs }) => ({
      command: [
        ...[process.execPath, ...nodeArgs, cli, 'serve', '--port', '0', '--log-level', 'warn', '--api-key', apiKey],
        ...['--persistence-enabled', String(persistent), '--data-dir', directory, ...unlimitedRates, ...flags],
      ],
      ready: printedUrl,
    }),
  };
}

/** @type {Record<string, Program>} */
export const programs = {
  yardstick: yardstick(),
  memory: bus(false),
  lmdb: bus(true),
  encrypted: bus(true, '--encryption-enabled', '--encryption-key', 'a1'.repeat(32)),
  control: yardstick(),
  corked: yardstick(['--cork']),
  unmasking: yardstick([], {}),
  ...peerPrograms,
};

/** @param {string[]} names @throws Error that says how to install what is missing. */
export async function assertInstalled(names) {
  const missing = [];
  for (const name of names) {
    const { needs } = programs[name];
    const found = await Promise.all((needs?.commands ?? []).map(isInstalled));
    if (needs && found.includes(false)) missing.push(needs.package);
  }
  if (missing.length === 0) return;
  const packages = [...new Set(missing)].join(' ');
  throw new Error(
    `not installed: ${packages}; on Debian: apt-get update && apt-get install --no-install-recommends ${packages}`,
  );
}

/** @param {string} command A path, or a name on the PATH. */
async function isInstalled(command) {
  const folders = command.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  const found = await Promise.allSettled(folders.map((folder) => access(resolve(folder, command), constants.X_OK)));
  return found.some(({ status }) => status === 'fulfilled');
}
