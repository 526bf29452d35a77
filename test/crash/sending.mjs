// Sendings as the history has them: recorded before the call, and again with what came of it.
import { fingerprintOf, taskOf } from './envelopes.mjs';

/** @typedef {import('./envelopes.mjs').Envelope} Envelope */

export class SendRecorder {
  #history;
  /** How often each id was sent, as long as it may be sent again. @type {Map<string, number>} */
  #attempts = new Map();

  /** @param {import('./history.mjs').History} history */
  constructor(history) {
    this.#history = history;
  }

  /** @param {Envelope} envelope @param {string} connection @param {boolean} [conflict] @returns the number of the attempt */
  sending(envelope, connection, conflict = false) {
    const { message_id: id, recipient, priority } = envelope;
    const attempt = (this.#attempts.get(id) ?? 0) + 1;
    this.#attempts.set(id, attempt);
    const task = taskOf(envelope);
    this.#history.record({
      ...{ kind: 'send', id, attempt, connection, recipient: recipient.agent_id, priority },
      hash: fingerprintOf(envelope),
      ...(conflict && { conflict }),
      ...(task && { task }),
    });
    return attempt;
  }

  /**
   * @param {string} id @param {number} attempt
   * @param {any} answer A receipt, a refusal, or undefined where there was no answer.
   */
  answered(id, attempt, answer) {
    const code = answer?.success ? undefined : answer?.code;
    this.#history.record({
      ...{ kind: 'receipt', id, attempt, result: answer === undefined ? 'unknown' : answer.success ? 'ok' : 'err' },
      ...(code !== undefined && { code }),
      ...(answer?.duplicate && { duplicate: true }),
      ...(answer?.task && { task: answer.task.task_id }),
    });
  }
}
