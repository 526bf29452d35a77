// Negative controls: known faults, built into a copy of the server. A check that does not find them proves nothing.

/**
 * @typedef {object} Control
 * @property {string} says What the server does wrong.
 * @property {readonly string[]} finds Invariants of which at least one must be reported as broken.
 * @property {readonly import('./installation.mjs').Replacement[]} replacements
 */

/** @type {Control} */
const ackBeforeCommit = {
  says: 'answers before the group is committed',
  finds: ['I1', 'I3', 'I7'],
  replacements: [{ file: 'store/group-commit.js', text: 'this.#resolve = resolve;', by: 'resolve();' }],
};

/** Found by killing the process. @type {Record<string, Control>} */
export const killControls = {
  noflush: {
    says: 'answers while the writes of the commit have not been handed to the disk',
    finds: ['I1', 'I3'],
    replacements: [
      {
        file: 'store/group-commit.js',
        text: 'await this.#transact(() => group.runWrites());',
        by: 'setTimeout(() => this.#transact(() => group.runWrites()), 250);',
      },
    ],
  },
  'ack-before-commit': ackBeforeCommit,
  'no-dedupe': {
    says: 'takes a known id for a new one',
    finds: ['I2', 'I3'],
    replacements: [
      {
        file: 'store/acceptance.js',
        text: 'const known = this.#deps.ledger.entries.find(message.messageId);',
        by: 'const known = undefined;',
      },
    ],
  },
  'offer-before-record': {
    says: 'delivers an offer that is not on record',
    finds: ['I4'],
    replacements: [
      {
        file: 'store/offering.js',
        text: 'await this.lease(taken, now, lease).done;',
        by: 'this.lease(taken, now, lease);',
      },
    ],
  },
};

/** Found by a power cut only: the pages of a killed process are still in the system's memory. @type {Record<string, Control>} */
export const powerControls = {
  nosync: {
    says: 'never flushes what it has written',
    finds: ['I1', 'I3'],
    replacements: [
      { file: 'store/journal-disk.js', text: 'writesThrough ? constants.O_DSYNC : 0', by: '0' },
      {
        file: 'store/lmdb-environment.js',
        text: 'overlappingSync: false,',
        by: 'overlappingSync: false, noSync: true,',
      },
    ],
  },
};

/** Found by a flush that fails. @type {Record<string, Control>} */
export const faultControls = { 'ack-before-commit': ackBeforeCommit };
