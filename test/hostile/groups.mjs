// The groups of attacks, by name.
import { runFuzzFrames } from './fuzz-frames-group.mjs';
import { runFuzzHttp } from './fuzz-http-group.mjs';
import { runJson, runLargeJson } from './json-group.mjs';
import { runSlow } from './slow-group.mjs';
import { runWebSocket } from './websocket-group.mjs';

/** @typedef {{ says: string, run: (target: import('./target.mjs').Target) => Promise<void>, flags?: readonly string[] }} Group */

/** In their order. @type {Record<string, Group>} */
export const groups = {
  json: { says: 'JSON that parsers disagree about, as body, batch and frame', run: runJson },
  websocket: { says: 'RFC 6455 broken on a plain socket, and wrong upgrades', run: runWebSocket },
  'fuzz-http': { says: 'made-up requests', run: runFuzzHttp },
  'fuzz-frames': { says: 'made-up frames', run: runFuzzFrames },
  slow: { says: 'clients that send or read slowly, or not at all', run: runSlow },
};

/** On a bus of its own, with the largest bodies that can be configured. @type {Record<string, Group>} */
export const largeGroups = {
  large: { says: 'the largest JSON documents, with maxPayload at its maximum', run: runLargeJson },
};

export const groupNames = [...Object.keys(groups), ...Object.keys(largeGroups)];
