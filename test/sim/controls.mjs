// Negative controls: known faults, built into the sources as they are loaded. A simulation that does not find them proves nothing.

/**
 * @typedef {object} Control
 * @property {string} says What the bus does wrong.
 * @property {readonly string[]} finds Invariants of which at least one must be reported as broken.
 * @property {boolean} [encrypted] Whether it is a fault of an encrypted store.
 * @property {readonly { file: string, text: string, by: string }[]} replacements In a file of src/, a text that stands there once.
 */

/** @type {Record<string, Control>} */
export const controls = {
  'answer-before-flush': {
    says: 'answers before the group is flushed',
    finds: ['I1', 'I2', 'I3', 'I7'],
    replacements: [{ file: 'store/group-commit.ts', text: 'this.#resolve = resolve;', by: 'resolve();' }],
  },
  'deaf-to-failure': {
    says: 'takes a failed flush for a flushed one',
    finds: ['I7'],
    replacements: [
      {
        file: 'store/group-commit.ts',
        text: '(cause: unknown) => this.fail(cause),',
        by: '() => { this.#writing = undefined; group.succeed(); },',
      },
    ],
  },
  'ack-not-kept': {
    says: 'confirms acks that it does not write down',
    finds: ['I3'],
    replacements: [
      {
        file: 'store/ledger.ts',
        text: 'this.#durable?.journal.change(change) ?? 0;',
        by: "(change.type === 'acked' ? this.#durable?.journal.next : this.#durable?.journal.change(change)) ?? 0;",
      },
    ],
  },
  'offer-after-ack': {
    says: 'offers again what was acked',
    finds: ['I3'],
    replacements: [
      {
        file: 'store/entry.ts',
        text: "this.#settle('acknowledged', change.at);",
        by: "record.state = 'waiting'; record.retryAt = change.at;",
      },
    ],
  },
  'no-dedupe': {
    says: 'takes a known id for a new one',
    finds: ['I2', 'I3', 'I4'],
    replacements: [
      {
        file: 'store/acceptance.ts',
        text: 'const known = this.#deps.ledger.entries.find(message.messageId);',
        by: 'const known = undefined;',
      },
    ],
  },
  'offer-before-flush': {
    says: 'offers what a crash can still undo',
    finds: ['I1', 'I4', 'I5'],
    replacements: [
      {
        file: 'store/offering.ts',
        text: 'await this.lease(taken, now, lease).done;',
        by: 'this.lease(taken, now, lease);',
      },
    ],
  },
  'lost-deadline': {
    says: 'forgets that messages expire',
    finds: ['I1'],
    replacements: [
      { file: 'store/offering.ts', text: 'if (entry.record.deadline > now) return entry;', by: 'return entry;' },
      { file: 'store/sweep.ts', text: 'else if (deadline <= now)', by: 'else if (deadline <= 0)' },
    ],
  },
  'endless-lease': {
    says: 'waits for ever for an ack',
    finds: ['L'],
    replacements: [{ file: 'store/sweep.ts', text: '&& leaseEndsAt <= now', by: '&& leaseEndsAt <= 0' }],
  },
  'two-holders': {
    says: 'ends leases before their time',
    finds: ['I2'],
    replacements: [
      {
        file: 'store/entry.ts',
        text: "if (state === 'leased') return leaseEndsAt;",
        by: "if (state === 'leased') return leaseEndsAt - 300;",
      },
      { file: 'store/sweep.ts', text: '&& leaseEndsAt <= now', by: '&& leaseEndsAt - 300 <= now' },
    ],
  },
  'swapped-order': {
    says: 'puts new mail in front of old',
    finds: ['I4'],
    replacements: [
      {
        file: 'store/mailbox-queue.ts',
        text: 'slots.push({ seq, entry });',
        by: 'slots.splice(this.#head, 0, { seq, entry });',
      },
    ],
  },
  'no-priority': {
    says: 'serves low priorities first',
    finds: ['I4'],
    replacements: [
      { file: 'store/entry-record.ts', text: 'critical: 0,', by: 'critical: 3,' },
      { file: 'store/entry-record.ts', text: 'low: 3,', by: 'low: 0,' },
    ],
  },
  'one-retry-more': {
    says: 'tries once more than it may',
    finds: ['I1'],
    replacements: [
      { file: 'store/attempts.ts', text: 'failures >= retry.maxRetries', by: 'failures > retry.maxRetries' },
    ],
  },
  'untold-death': {
    says: 'tells nobody of a death',
    finds: ['I1'],
    replacements: [{ file: 'bus/undeliverable.ts', text: '() => notice)', by: '() => undefined)' }],
  },
  'surviving-task': {
    says: 'leaves the task of a dead message open',
    finds: ['I6'],
    replacements: [
      {
        file: 'bus/undeliverable.ts',
        text: 'await sessions.messageDied(sessionId, messageId, reason);',
        by: ';',
      },
    ],
  },
  'late-answer': {
    says: 'takes an answer to a task that is over',
    finds: ['I6'],
    replacements: [
      { file: 'core/session/decide-message.ts', text: '!isOpen(task) || task.delegatee', by: 'task.delegatee' },
    ],
  },
  'early-mark': {
    says: 'says of unwritten changes that they are in the tables',
    finds: ['I1', 'I2', 'I3', 'I5', 'L'],
    replacements: [{ file: 'store/checkpoint.ts', text: 'part.oldest() ?? flushed', by: 'flushed' }],
  },
  'reused-buffer': {
    says: 'writes over what LMDB has not copied yet',
    finds: ['I1', 'I2', 'I3', 'I5', 'X'],
    replacements: [
      {
        file: 'store/lmdb-shelf.ts',
        text: 'if (this.#records.size > recordsPerBuffer) this.#records = new ByteWriter();',
        by: 'this.#records.size = 0;',
      },
    ],
  },
  'late-renewal': {
    says: 'writes what it has encrypted anew over what came meanwhile',
    finds: ['I1', 'I2', 'I3', 'I4', 'I5', 'L', 'X'],
    encrypted: true,
    replacements: [
      { file: 'store/checkpoint.ts', text: 'this.#parts.push(part);', by: 'this.#parts.unshift(part);' },
      { file: 'store/encrypted-table.ts', text: ' && !changed?.has(this.#place(key))', by: '' },
    ],
  },
  'key-gone-early': {
    says: 'gives up a key that journal files are still under',
    finds: ['I1', 'L', 'X'],
    encrypted: true,
    replacements: [
      {
        file: 'store/reencryption.ts',
        text: 'for (const file of files) {',
        by: 'for (const file of files.slice(0, 0)) {',
      },
    ],
  },
};
