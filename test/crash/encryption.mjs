// Encryption of the servers under test: two keys that change places, so that the key changes with every start.
const keys = ['a1'.repeat(32), 'b2'.repeat(32)];

/** @param {boolean} isOn @param {number} start The how-manieth. */
export function encryptionFlags(isOn, start) {
  if (!isOn) return [];
  const given = start % 2 === 0 ? keys : keys.toReversed();
  return ['--encryption-enabled', 'true', '--encryption-key', given.join(',')];
}
