// A sender over HTTP: single sends and batches of ten, repeats of what got no answer, doubled and conflicting sends.
import { setTimeout as delay } from 'node:timers/promises';
import { createWriter } from './envelopes.mjs';
import { HttpClient } from './http-client.mjs';
import { SendRecorder } from './sending.mjs';

/** @typedef {import('./envelopes.mjs').Envelope} Envelope */

const batchSize = 10;
/** The pause of a sender that was refused. */
const refusedMs = 20;

export class HttpSender {
  #random;
  #writer;
  #recorder;
  #agentId;
  /** Sent, and nobody knows whether it arrived. @type {Envelope[]} */
  #unsure = [];
  #refused = false;

  /** @param {string} agentId @param {import('./history.mjs').History} history @param {import('./random.mjs').Random} random */
  constructor(agentId, history, random) {
    this.#agentId = agentId;
    this.#random = random;
    this.#writer = createWriter(agentId, random);
    this.#recorder = new SendRecorder(history);
  }

  /** Sends until the server is gone. @param {import('./fleet.mjs').Run} run */
  async work(run) {
    const client = new HttpClient(run.url, 2);
    const connection = `${this.#agentId} ${run.number}`;
    try {
      await this.#repeatUnsure(client, connection);
      while (!run.over) {
        const choice = this.#random.between(1, 100);
        if (choice <= 15) await this.#sendBatch(client, connection, run.session);
        else await this.#sendOne(client, connection, run.session, choice);
        if (this.#random.chance(0.3)) await delay(this.#random.between(0, 4));
        if (this.#refused) await delay(refusedMs);
        this.#refused = false;
      }
    } catch {
      // The server is gone; the next run goes on.
    } finally {
      client.close();
    }
  }

  /** @param {HttpClient} client @param {string} connection */
  async #repeatUnsure(client, connection) {
    for (const envelope of this.#unsure.splice(0)) {
      // Some are never heard of again: then there are none or one of them.
      if (this.#random.chance(0.8)) await this.#send(client, connection, envelope);
    }
  }

  /** @param {HttpClient} client @param {string} connection @param {string | undefined} session @param {number} choice */
  async #sendOne(client, connection, session, choice) {
    const envelope = this.#writer.next(session);
    if (choice <= 18) {
      await Promise.all([this.#send(client, connection, envelope), this.#send(client, connection, envelope)]);
      return;
    }
    await this.#send(client, connection, envelope);
    if (choice <= 21) await this.#send(client, connection, envelope);
    if (choice === 22) await this.#send(client, connection, { ...envelope, payload: 'something else' }, true);
  }

  /** @param {HttpClient} client @param {string} connection @param {Envelope} envelope @param {boolean} [conflict] */
  async #send(client, connection, envelope, conflict = false) {
    const attempt = this.#recorder.sending(envelope, connection, conflict);
    const answer = await this.#call(client, '/messages/send', envelope, [envelope]);
    this.#recorder.answered(envelope.message_id, attempt, answer.body);
    if (answer.error) throw answer.error;
  }

  /** @param {HttpClient} client @param {string} connection @param {string | undefined} session */
  async #sendBatch(client, connection, session) {
    const messages = Array.from({ length: batchSize }, () => this.#writer.next(session));
    const attempts = messages.map((envelope) => this.#recorder.sending(envelope, connection));
    const answer = await this.#call(client, '/messages/batch', { messages }, messages);
    for (const [index, { message_id }] of messages.entries()) {
      const item = answer.body?.success === false ? answer.body : answer.body?.items[index];
      this.#recorder.answered(message_id, attempts[index] ?? 0, item);
    }
    if (answer.error) throw answer.error;
  }

  /** @param {HttpClient} client @param {string} path @param {unknown} body @param {Envelope[]} envelopes */
  async #call(client, path, body, envelopes) {
    try {
      const answer = (await client.call('POST', path, body)).body;
      this.#refused ||= [answer, ...(answer.items ?? [])].some(({ success }) => success === false);
      return { body: answer, error: undefined };
    } catch (error) {
      this.#unsure.push(...envelopes);
      return { body: undefined, error };
    }
  }
}
