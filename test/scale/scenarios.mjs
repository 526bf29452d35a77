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

/** @type {{ name: string, run: (bench: Bench) => Promise<void>, byName?: true }[]} `byName`: only where it is asked for by its name. */
export const scenarios = [
  { name: 'sockets', run: measureSockets },
  { name: 'pulls', run: measurePulls },
  { name: 'mailbox', run: (bench) => measureBacklog(bench, 1) },
  { name: 'mailboxes', run: (bench) => measureBacklog(bench, 1_000) },
  // Its limit does not hold yet on a machine that has other work: the purge leaves too little of the server to the mail.
  { name: 'purge', run: measurePurge, byName: true },
  { name: 'sessions', run: measureSessions },
];
