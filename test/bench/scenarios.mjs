// What is measured. A scenario is data: which door the mail enters by and how much of it is under way at once.

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} about One line for the report.
 * @property {'http' | 'socket'} door Where messages enter; they always leave through sockets.
 * @property {number} lanes Keep-alive connections; or sender sockets, as many as receivers: each sends to its own.
 * @property {number} window Messages of one lane that may be un-accepted; for HTTP a multiple of `batch`.
 * @property {number} batch Messages in one request; 1 posts to /messages/send, more to /messages/batch.
 * @property {number} receivers Sockets that the mail goes to, in turn.
 * @property {boolean} standard Whether it runs when no scenario is named.
 */

/** Messages of all lanes of `socket` together that may be un-accepted. */
export const inFlight = 256;

/** @type {Scenario[]} */
export const scenarios = [
  {
    name: 'http',
    about: 'POST /messages/send over 128 connections to 16 sockets',
    door: 'http',
    lanes: 128,
    window: 1,
    batch: 1,
    receivers: 16,
    standard: true,
  },
  {
    name: 'socket',
    about: `4 sockets to 4 sockets, ${inFlight} messages un-accepted`,
    door: 'socket',
    lanes: 4,
    window: inFlight / 4,
    batch: 1,
    receivers: 4,
    standard: true,
  },
  {
    name: 'batch',
    about: 'POST /messages/batch of 100 over 8 connections to 16 sockets',
    door: 'http',
    lanes: 8,
    window: 100,
    batch: 100,
    receivers: 16,
    standard: false,
  },
];

/** Un-settled messages at which every lane waits, so that a server that accepts faster than it delivers stays bounded. */
export const backlogLimit = 4096;

export const apiKey = 'bench-key-0123456789abcdef';
