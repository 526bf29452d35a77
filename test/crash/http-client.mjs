// JSON over kept-alive HTTP; a call that got no answer rejects.
import { Agent, request } from 'node:http';

export const apiKey = 'the-key-of-the-crash-tests';
const patienceMs = 20_000;

/** @typedef {{ status: number, body: any }} Reply */

export class HttpClient {
  #agent;
  #url;

  /** @param {string} url @param {number} [sockets] How many calls at once. */
  constructor(url, sockets = 1) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets });
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<Reply>} */
  call(method, path, body) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = {
        'x-agent-api-key': apiKey,
        ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      };
      const call = request(`${this.#url}${path}`, { method, agent: this.#agent, headers, timeout: patienceMs });
      call.on('timeout', () => call.destroy(new Error(`no answer within ${patienceMs} ms`)));
      call.on('error', reject);
      call.on('response', (response) => {
        /** @type {Buffer[]} */
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString()) });
          } catch (error) {
            reject(error);
          }
        });
      });
      call.end(text);
    });
  }

  close() {
    this.#agent.destroy();
  }
}
