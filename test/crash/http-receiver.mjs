// A receiver over HTTP: pulls, answers requests, acks, and now and then puts a message back or gives it up.
import { createWriter, fingerprintOf } from './envelopes.mjs';
import { HttpClient } from './http-client.mjs';
import { SendRecorder } from './sending.mjs';

/** @typedef {import('./envelopes.mjs').Envelope} Envelope */

export class HttpReceiver {
  #agentId;
  #history;
  #random;
  #writer;
  #recorder;

  /** @param {string} agentId @param {import('./history.mjs').History} history @param {import('./random.mjs').Random} random */
  constructor(agentId, history, random) {
    this.#agentId = agentId;
    this.#history = history;
    this.#random = random;
    this.#writer = createWriter(agentId, random);
    this.#recorder = new SendRecorder(history);
  }

  /** Pulls until the server is gone. @param {import('./fleet.mjs').Run} run */
  async work(run) {
    const client = new HttpClient(run.url, 8);
    const mailbox = `/agents/${encodeURIComponent(this.#agentId)}/messages`;
    try {
      while (!run.over) {
        const { status, body } = await client.call('GET', `${mailbox}?max=${this.#random.between(1, 40)}&wait=200ms`);
        if (status !== 200) break;
        for (const { attempt, envelope } of body.items) this.#delivered(envelope, attempt);
        const settling = body.items.map((/** @type {{ envelope: Envelope }} */ { envelope }) =>
          this.#settle(client, `${mailbox}/${encodeURIComponent(envelope.message_id)}`, envelope, run),
        );
        const failed = (await Promise.allSettled(settling)).find(({ status }) => status === 'rejected');
        if (failed) break;
      }
    } catch {
      // The server is gone; the next run goes on.
    } finally {
      client.close();
    }
  }

  /** @param {Envelope} envelope @param {number} attempt */
  #delivered(envelope, attempt) {
    if (envelope.sender.agent_id.startsWith('bus://')) return;
    const hash = fingerprintOf(envelope);
    this.#history.record({
      ...{ kind: 'delivery', id: envelope.message_id, agent: this.#agentId, door: 'http', hash, attempt },
    });
  }

  /** @param {HttpClient} client @param {string} path @param {Envelope} envelope @param {import('./fleet.mjs').Run} run */
  async #settle(client, path, envelope, run) {
    const { session_id: session } = envelope.sender;
    if (envelope.message_type === 'task_request' && session !== undefined) {
      await this.#respond(client, envelope, session);
    }
    const choice = run.draining ? 100 : this.#random.between(1, 100);
    if (choice <= 3) await this.#nack(client, path, envelope.message_id, choice === 1);
    else {
      const acked = await this.#ack(client, path, envelope.message_id);
      // Whoever was refused, and some who were not, ask again.
      if (!acked || choice <= 6) await this.#ack(client, path, envelope.message_id);
    }
  }

  /** @param {HttpClient} client @param {string} path @param {string} id */
  async #ack(client, path, id) {
    const ids = [id];
    this.#history.record({ kind: 'ack', ids, agent: this.#agentId });
    return this.#recordResult(client.call('POST', `${path}/ack`), { kind: 'acked', ids, agent: this.#agentId });
  }

  /** @param {HttpClient} client @param {string} path @param {string} id @param {boolean} giveUp */
  async #nack(client, path, id, giveUp) {
    const about = { id, agent: this.#agentId, giveUp };
    this.#history.record({ kind: 'nack', ...about });
    const body = giveUp ? { requeue: false, reason: 'not wanted' } : { delay: `${this.#random.between(1, 200)}ms` };
    await this.#recordResult(client.call('POST', `${path}/nack`, body), { kind: 'nacked', ...about });
  }

  /** @param {Promise<import('./http-client.mjs').Reply>} call @param {any} event */
  async #recordResult(call, event) {
    try {
      const { status, body } = await call;
      this.#history.record(status < 300 ? { ...event, result: 'ok' } : { ...event, result: 'err', code: body.code });
      return status < 300;
    } catch (error) {
      this.#history.record({ ...event, result: 'unknown' });
      throw error;
    }
  }

  /** @param {HttpClient} client @param {Envelope} request @param {string} session */
  async #respond(client, request, session) {
    const metadata = { task_id: request.metadata?.task_id ?? '' };
    const recipient = request.sender.agent_id;
    const response = this.#writer.write({ type: 'task_response', recipient, session, metadata });
    // Calls in parallel take several connections: each counts as one of its own.
    const attempt = this.#recorder.sending(response, response.message_id);
    // An answer to a request is its ack as well.
    this.#history.record({ kind: 'ack', ids: [request.message_id], agent: this.#agentId });
    try {
      const { body } = await client.call('POST', '/messages/send', response);
      this.#recorder.answered(response.message_id, attempt, body);
    } catch (error) {
      this.#recorder.answered(response.message_id, attempt, undefined);
      throw error;
    }
  }
}
