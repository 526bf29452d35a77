import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { resolveEncryptionKeys } from '../../src/config/encryption-keys.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const first = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7));
const second = Buffer.alloc(32, 0xff);

let folder: string;
let dataDir: string;
beforeEach(() => {
  folder = temporaryFolder();
  dataDir = join(folder, 'data');
  mkdirSync(dataDir);
});

const fromText = (encryptionKey: string) => resolveEncryptionKeys({ encryptionEnabled: true, encryptionKey, dataDir });

function fromFile(text: string, { mode = 0o600, path = join(folder, 'key') } = {}) {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return resolveEncryptionKeys({ encryptionEnabled: true, encryptionKeyFile: path, dataDir });
}

const refusal = (text: RegExp) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(text) });

it('without encryption are none', () => {
  expect(resolveEncryptionKeys({ encryptionEnabled: false, dataDir })).toBeUndefined();
});

it('are hex or base64url, the present one first', () => {
  expect(fromText(first.toString('hex').toUpperCase())).toEqual([first]);
  expect(fromText(`${first.toString('base64url')},${second.toString('hex')}`)).toEqual([first, second]);
});

describe('a key file', () => {
  it('holds a key, or several on lines of their own', () => {
    expect(fromFile(`${first.toString('hex')}\n`)).toEqual([first]);
    expect(fromFile(`${first.toString('base64url')}\r\n${second.toString('hex')}\n`)).toEqual([first, second]);
  });

  it.each(['640', '604', '660', '644'])('that others can read is refused: mode %s', (digits) => {
    const mode = Number.parseInt(digits, 8);
    expect(() => fromFile(first.toString('hex'), { mode })).toThrow(refusal(/others than its owner .* chmod 600/));
  });

  it('beside the data is refused', () => {
    const path = join(dataDir, 'key');
    expect(() => fromFile(first.toString('hex'), { path })).toThrow(refusal(/lies in dataDir/));
  });

  it.each(['', '\n', 'secret', `${first.toString('hex')} secret`])(
    'without a key is refused, and not shown: %j',
    (text) => {
      expect(() => fromFile(text)).toThrow(refusal(/must hold a key of 32 bytes/));
      expect(() => fromFile(text)).not.toThrow(refusal(/secret/));
    },
  );

  it('that is not there is refused, and not made', () => {
    const encryptionKeyFile = join(folder, 'absent');
    const config = { encryptionEnabled: true, encryptionKeyFile, dataDir };
    expect(() => resolveEncryptionKeys(config)).toThrow(refusal(/absent cannot be read \(ENOENT\)/));
    expect(() => resolveEncryptionKeys(config)).toThrow();
  });
});
