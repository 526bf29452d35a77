// What the bus may answer: the statuses and codes of the error table, each as a problem document.
import { errorTable } from '../../dist/protocol/errors.js';
import { strangerIn } from './canary.mjs';

/** Of 5xx only these are no fault of the bus. */
const allowedFailures = new Set([503, 504, 507]);

/**
 * Why a reply is not as documented.
 * @param {import('./raw-http.mjs').Reply} reply @param {{ sent: Buffer, method?: string }} request
 * @returns {string | undefined}
 */
export function faultOfReply({ status, headers, body }, { sent, method = 'GET' }) {
  if (status >= 500 && !allowedFailures.has(status)) return `status ${status}: ${body.toString().slice(0, 300)}`;
  if (status < 400) return undefined;
  if (!headers['content-type']?.startsWith('application/problem+json')) {
    return `status ${status} as ${headers['content-type']}, not as a problem: ${body.toString().slice(0, 200)}`;
  }
  if (method === 'HEAD') return undefined;
  const text = body.toString();
  return faultOfProblem(text, status) ?? strangerIn(text, sent);
}

/** @param {string} text @param {number} status */
function faultOfProblem(text, status) {
  let problem;
  try {
    problem = JSON.parse(text);
  } catch {
    return `a problem that is not JSON: ${text.slice(0, 200)}`;
  }
  const known = errorTable[/** @type {keyof typeof errorTable} */ (problem.code)];
  if (!known) return `the code ${problem.code} is not in the table`;
  if (known.status !== status || problem.status !== status) return `${problem.code} with status ${status}`;
  return typeof problem.error === 'string' && problem.success === false ? undefined : `not a problem: ${text}`;
}

/**
 * Why a frame that the bus wrote is not as documented.
 * @param {any} frame @param {string} text @param {Buffer | string} sent What went out on this socket.
 * @returns {string | undefined}
 */
export function faultOfFrame(frame, text, sent) {
  const code = frame.type === 'rejected' ? frame.code : undefined;
  if (code === undefined) return undefined;
  const known = errorTable[/** @type {keyof typeof errorTable} */ (code)];
  if (!known) return `the code ${code} is not in the table`;
  if (known.status === 500) return `a frame was answered with ${code}: ${text.slice(0, 300)}`;
  return strangerIn(text, sent);
}
