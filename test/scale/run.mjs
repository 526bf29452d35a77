// `npm run test:scale`: how much one bus carries, and that it keeps the limits that are promised.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { readOptions } from './options.mjs';
import { Report } from './report.mjs';
import { createServers } from './server.mjs';

/** Rejects when the user gives up, so that no server outlives the run. @returns {Promise<never>} */
function interrupted() {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
}

/** @param {import('./options.mjs').Options} options */
async function runAll(options) {
  if (process.platform !== 'linux') throw new Error('memory is read from /proc: this runs on Linux only');
  if (!existsSync(options.cli)) throw new Error(`${options.cli} does not exist: run \`npm run build\` first`);
  const started = performance.now();
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`);
  const report = new Report();
  const servers = createServers(options);
  const giveUp = interrupted();
  try {
    for (const { run } of options.scenarios) {
      await Promise.race([giveUp, run({ options, report, startServer: servers.start })]);
      await servers.clear();
    }
  } finally {
    await servers.clear();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`\n${report.broken === 0 ? 'All limits are kept' : `${report.broken} limits are broken`}. ${seconds} s.`);
  return report.broken === 0;
}

try {
  const options = readOptions(process.argv.slice(2));
  if (typeof options === 'string') console.log(options);
  else process.exitCode = (await runAll(options)) ? 0 : 1;
} catch (error) {
  console.error(`test:scale failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
// Sockets of an abandoned run are of no use to anybody.
process.exit();
