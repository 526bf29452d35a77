// What is measured, in this order.
import { measureBacklog } from './backlog.mjs';
import { measurePulls } from './pulls.mjs';
import { measurePurge } from './purge.mjs';
import { measureSessions } from './sessions.mjs';
import { measureSockets } from './sockets.mjs';

/**
 * @typedef {object} Bench
 * @property {import('./options.mjs').Options} options
 * @property {import('./report.mjs').Report} report
 * @property {import('./server.mjs').StartServer} startServer On an empty data directory, or on one that an earlier server left.
 */

/** @type {{ name: string, run: (bench: Bench) => Promise<void> }[]} */
export const scenarios = [
  { name: 'sockets', run: measureSockets },
  { name: 'pulls', run: measurePulls },
  { name: 'mailbox', run: (bench) => measureBacklog(bench, 1) },
  { name: 'mailboxes', run: (bench) => measureBacklog(bench, 1_000) },
  { name: 'purge', run: measurePurge },
  { name: 'sessions', run: measureSessions },
];
