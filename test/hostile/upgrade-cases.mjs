// Upgrades that are wrong, each with the status and code of its refusal, and some that only look so.
import { frameOf, opcodes, upgradeOf } from './raw-websocket.mjs';

/**
 * @typedef {object} UpgradeCase
 * @property {string} name
 * @property {Buffer} bytes
 * @property {string} expected The status and the code, or `101`.
 */

const agent = 'hostile://upgrade';
const key = 'dGhlIHNhbXBsZSBub25jZQ==';

/** @type {(name: string, expected: string, headers: Record<string, string | string[] | undefined>, line?: object) => UpgradeCase} */
const upgrade = (name, expected, headers, line) => ({ name, expected, bytes: upgradeOf(agent, headers, line) });

const keys = [
  upgrade('no key', '400 BAD_REQUEST', { 'sec-websocket-key': undefined }),
  upgrade('two keys', '400 BAD_REQUEST', { 'sec-websocket-key': [key, key] }),
  upgrade('two different keys', '400 BAD_REQUEST', { 'sec-websocket-key': [key, 'AAAAAAAAAAAAAAAAAAAAAA=='] }),
  upgrade('an empty key', '400 BAD_REQUEST', { 'sec-websocket-key': '' }),
  upgrade('a key of 15 bytes', '400 BAD_REQUEST', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25j' }),
  upgrade('a key of 17 bytes', '400 BAD_REQUEST', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZTE=' }),
  upgrade('a key that is not base64', '400 BAD_REQUEST', { 'sec-websocket-key': '!!!!!!!!!!!!!!!!!!!!!!==' }),
  upgrade('a key of 8,000 characters', '400 BAD_REQUEST', { 'sec-websocket-key': 'A'.repeat(8_000) }),
];

const versions = [
  upgrade('no version', '426 UPGRADE_REQUIRED', { 'sec-websocket-version': undefined }),
  ...['0', '7', '8', '14', '99', '13, 8', '13.0', 'x', ''].map((version) =>
    upgrade(`the version ${JSON.stringify(version)}`, '426 UPGRADE_REQUIRED', { 'sec-websocket-version': version }),
  ),
  upgrade('two versions', '426 UPGRADE_REQUIRED', { 'sec-websocket-version': ['13', '8'] }),
];

const protocols = [
  upgrade('an empty subprotocol in the list', '400 BAD_REQUEST', { 'sec-websocket-protocol': 'agent-bus.v1,,' }),
  upgrade('a subprotocol twice', '400 BAD_REQUEST', { 'sec-websocket-protocol': 'agent-bus.v1, agent-bus.v1' }),
  upgrade('a subprotocol that is no token', '400 BAD_REQUEST', { 'sec-websocket-protocol': 'agent-bus.v1, a"b' }),
  upgrade('another subprotocol', '400 VALIDATION_FAILED', { 'sec-websocket-protocol': 'soap' }),
  upgrade('extensions that are no list', '101', { 'sec-websocket-extensions': ';;;===' }),
  upgrade('compression', '101', { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits=99' }),
];

const requests = [
  upgrade('HTTP/1.0', '400 BAD_REQUEST', {}, { version: '1.0' }),
  upgrade('no host', '400 BAD_REQUEST', { host: undefined }),
  upgrade('POST', '405 METHOD_NOT_ALLOWED', {}, { method: 'POST' }),
  upgrade('PUT', '405 METHOD_NOT_ALLOWED', {}, { method: 'PUT' }),
  upgrade('h2c', '400 BAD_REQUEST', { upgrade: 'h2c' }),
  upgrade('websocket among others', '400 BAD_REQUEST', { upgrade: 'h2c, websocket' }),
  upgrade('no upgrade header', '426 UPGRADE_REQUIRED', { upgrade: undefined }),
  upgrade('a connection header that asks for nothing', '426 UPGRADE_REQUIRED', { connection: 'keep-alive' }),
  upgrade('upgrade in capitals', '101', { connection: 'UPGRADE', upgrade: 'WEBSOCKET' }),
  upgrade('upgrade among other tokens', '101', { connection: 'keep-alive, Upgrade' }),
  upgrade('headers of 20,000 bytes', '431 HEADERS_TOO_LARGE', { x: 'y'.repeat(20_000) }),
  upgrade('another path', '404 ROUTE_NOT_FOUND', {}, { path: '/agents' }),
  upgrade('no agent', '400 VALIDATION_FAILED', {}, { path: '/' }),
  upgrade('two agents', '400 VALIDATION_FAILED', {}, { path: '/?agent_id=a://b&agent_id=c://d' }),
  upgrade('an agent with line ends', '400 VALIDATION_FAILED', {}, { path: '/?agent_id=a://b%0d%0ax:y' }),
  upgrade('the agent __proto__', '400 VALIDATION_FAILED', {}, { path: '/?agent_id=__proto__' }),
  upgrade('the bus itself', '403 FORBIDDEN', {}, { path: '/?agent_id=bus://agent-bus' }),
  upgrade('no bus key', '401 UNAUTHORIZED', { 'x-agent-api-key': undefined }),
  upgrade('a wrong bus key', '401 UNAUTHORIZED', { 'x-agent-api-key': 'x'.repeat(7_000) }),
  upgrade('the key in the query', '400 KEY_IN_QUERY', {}, { path: `/?agent_id=${agent}&key=x` }),
];

const behind = [
  {
    name: 'a body with a length',
    expected: '400 BAD_REQUEST',
    bytes: Buffer.concat([upgradeOf(agent, { 'content-length': '5' }), Buffer.from('hello')]),
  },
  {
    name: 'a chunked body',
    expected: '400 BAD_REQUEST',
    bytes: Buffer.concat([
      upgradeOf(agent, { 'transfer-encoding': 'chunked' }),
      Buffer.from('5\r\nhello\r\n0\r\n\r\n'),
    ]),
  },
  {
    name: 'a frame in the same write',
    expected: '101',
    bytes: Buffer.concat([upgradeOf(agent), frameOf(opcodes.ping, 'behind')]),
  },
];

/** @type {readonly UpgradeCase[]} */
export const upgradeCases = [...keys, ...versions, ...protocols, ...requests, ...behind];
