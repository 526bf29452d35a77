// `npm run test:crash`: the server is killed at random moments under load; nothing that it confirmed may be lost.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { killControls } from './controls.mjs';
import { readOptions } from './options.mjs';
import { runSuite } from './suite.mjs';

const options = readOptions(process.argv.slice(2), { cycles: 25, controls: Object.keys(killControls) });
const good = await runSuite(
  {
    name: 'test:crash',
    controls: killControls,
    prepare: async (folder) => {
      const dataDir = join(folder, 'data');
      await mkdir(dataDir, { recursive: true });
      const ground = {
        dataDir,
        crash: async (/** @type {import('./server-under-test.mjs').ServerUnderTest} */ server) =>
          void (await server.kill()),
      };
      return { ground, release: async () => undefined };
    },
  },
  options,
);
process.exitCode = good ? 0 : 1;
