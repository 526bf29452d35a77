// What the groups share about the server that they attack, and where they put what they find.
import { createCanaries } from './canary.mjs';

/**
 * @typedef {object} Target
 * @property {number} port
 * @property {string} store
 * @property {number} seed
 * @property {boolean} quick
 * @property {number | undefined} onlyCase
 * @property {string} senderToken Of the agent hostile://sender.
 * @property {ReturnType<typeof createCanaries>} canaries
 * @property {(text: string, where?: string) => void} violation `where` replays one case of a group.
 * @property {() => void} tried One input more was tried.
 */

/**
 * @param {{ port: number, store: string, seed: number, quick: boolean, onlyCase: number | undefined }} about
 * @param {{ violation: Target['violation'], tried: () => void }} sink @returns {Target}
 */
export function createTarget(about, sink) {
  return { ...about, ...sink, senderToken: '', canaries: createCanaries() };
}
