// The journal on disk: what a power cut may leave of it is cut off, and nothing else is passed over.
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBeingBackedUp, markBackup } from '../../src/store/backup-mark.ts';
import { Entry } from '../../src/store/entry.ts';
import { Journal } from '../../src/store/journal.ts';
import { type JournalDisk, openJournalDisk } from '../../src/store/journal-disk.ts';
import { positionAt } from '../../src/store/journal-position.ts';
import { newMessage } from '../support/new-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const storeId = 0xabcd1234;
const fileBytes = 4_000;

let folder: string;
let disks: JournalDisk[];
beforeEach(() => {
  folder = temporaryFolder();
  disks = [];
});
afterEach(() => {
  for (const disk of disks) disk.close();
});

const message = (id: string) =>
  newMessage(id, { acceptedAt: 1, bytes: Buffer.from(`{"message_id":"${id}","padding":"${'x'.repeat(500)}"}`) });

function openJournal(id = storeId): Journal {
  const disk = openJournalDisk(folder);
  disks.push(disk);
  return new Journal(disk, id, { fileBytes });
}

function accept(journal: Journal, ...ids: string[]): Entry[] {
  return ids.map((id) => journal.accept(message(id), (position) => Entry.accept(message(id), position, position)));
}

/** Each group of ids in a block of its own. */
async function write(journal: Journal, ...blocks: string[][]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const ids of blocks) {
    entries.push(...accept(journal, ...ids));
    await journal.flush();
  }
  return entries;
}

/** The ids that are replayed, in order. */
function replay(journal: Journal, from = 0): string[] {
  return [...journal.replay(from)].flatMap(({ records }) =>
    records.map(({ record }) => (record.kind === 'accepted' ? record.head.messageId : record.kind)),
  );
}

async function fresh(): Promise<Journal> {
  const journal = openJournal();
  expect(replay(journal)).toEqual([]);
  return journal;
}

const pathOf = (name: string): string => join(folder, name);
const files = (): string[] => readdirSync(folder).sort();
const sizeOf = (name: string): number => statSync(pathOf(name)).size;

function damageAt(name: string, at: number): void {
  const bytes = readFileSync(pathOf(name));
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
  writeFileSync(pathOf(name), bytes);
}

const unreadable = (text: RegExp) =>
  expect.objectContaining({ code: 'STORE_UNREADABLE', message: expect.stringMatching(text) });

describe('what was flushed', () => {
  it('is replayed in order, over several files, and can be read back by its position', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const entries = await write(await fresh(), ...ids.map((id) => [id]));
    expect(files().length).toBeGreaterThan(2);
    const after = openJournal();
    expect(replay(after)).toEqual(ids);
    for (const { record } of entries) {
      expect(after.envelopeAt(record.position).equals(message(record.messageId).bytes)).toBe(true);
    }
  });

  it('is followed by what the next run writes', async () => {
    await write(await fresh(), ['a']);
    const second = openJournal();
    expect(replay(second)).toEqual(['a']);
    await write(second, ['b']);
    expect(files()).toEqual(['00000001.log']);
    expect(replay(openJournal())).toEqual(['a', 'b']);
  });

  it('is replayed from a block on, also when that is the end', async () => {
    const journal = await fresh();
    await write(journal, ['a']);
    const { flushed } = journal;
    expect(replay(openJournal(), flushed)).toEqual([]);
    await write(journal, ['b']);
    expect(replay(openJournal(), flushed)).toEqual(['b']);
  });

  it('has positions that grow from record to record, block to block and file to file', async () => {
    const journal = await fresh();
    const entries = await write(journal, ...Array.from({ length: 10 }, (_, index) => [`a${index}`, `b${index}`]));
    const positions = entries.map(({ record }) => record.position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(new Set(positions).size).toBe(20);
    expect(journal.next).toBeGreaterThan(positions.at(-1) ?? 0);
  });
});

describe('a write that a power cut has torn', () => {
  it.each([1, 20, 300, 900])('is cut off as a whole where its last %i bytes are missing', async (missing) => {
    const journal = await fresh();
    await write(journal, ['a']);
    const { flushed } = journal;
    await write(journal, ['b', 'c']);
    truncateSync(pathOf('00000001.log'), sizeOf('00000001.log') - missing);
    const after = openJournal();
    expect(replay(after)).toEqual(['a']);
    expect(positionAt(1, sizeOf('00000001.log'))).toBe(flushed);
    await write(after, ['d']);
    expect(replay(openJournal())).toEqual(['a', 'd']);
  });

  it('is cut off where its first bytes are missing and its last are there', async () => {
    const journal = await fresh();
    await write(journal, ['a']);
    const begin = sizeOf('00000001.log');
    await write(journal, ['b', 'c']);
    for (const at of [begin + 2, begin + 40]) damageAt('00000001.log', at);
    expect(replay(openJournal())).toEqual(['a']);
  });

  it('is cut off where it is a hole of zeros', async () => {
    await write(await fresh(), ['a']);
    appendFileSync(pathOf('00000001.log'), Buffer.alloc(5_000));
    expect(replay(openJournal())).toEqual(['a']);
  });

  it.each([0, 7, 16, 100])('leaves no file where it was to begin one and %i bytes of it are there', async (size) => {
    const journal = await fresh();
    await write(journal, ['a']);
    journal.beginFile();
    await write(journal, ['b']);
    truncateSync(pathOf('00000002.log'), size);
    const after = openJournal();
    expect(replay(after)).toEqual(['a']);
    expect(files()).toEqual(['00000001.log']);
    after.beginFile();
    await write(after, ['c']);
    expect(replay(openJournal())).toEqual(['a', 'c']);
  });

  it.each([0, 7, 16, 100])('leaves no first file where %i bytes of it are there', async (size) => {
    await write(await fresh(), ['a']);
    truncateSync(pathOf('00000001.log'), size);
    const after = openJournal();
    expect(replay(after)).toEqual([]);
    await write(after, ['b']);
    expect(replay(openJournal())).toEqual(['b']);
  });
});

describe('damage', () => {
  it.each(['header', 'length', 'record'])(
    'in the %s of a block is reported where another block follows',
    async (part) => {
      const journal = await fresh();
      await write(journal, ['a']);
      const begin = sizeOf('00000001.log');
      await write(journal, ['b'], ['c']);
      damageAt('00000001.log', begin + { header: 0, length: 5, record: 100 }[part as 'header']);
      expect(() => replay(openJournal())).toThrow(unreadable(new RegExp(`file 1 is damaged at byte ${begin}`)));
    },
  );

  it('at the end of a file is reported where another file follows', async () => {
    const journal = await fresh();
    await write(journal, ['a']);
    journal.beginFile();
    await write(journal, ['b']);
    damageAt('00000001.log', sizeOf('00000001.log') - 1);
    expect(() => replay(openJournal())).toThrow(unreadable(/file 1 is damaged/));
  });

  it('of one envelope is reported when it is read, and of no other', async () => {
    const journal = await fresh();
    const [a, b] = await write(journal, ['a', 'b']);
    damageAt('00000001.log', ((a?.record.position ?? 0) % 2 ** 32) + 200);
    expect(() => journal.envelopeAt(a?.record.position ?? 0)).toThrow(unreadable(/damaged/));
    expect(journal.envelopeAt(b?.record.position ?? 0).equals(message('b').bytes)).toBe(true);
  });

  it('is a file that is missing, and an end before what the tables hold', async () => {
    const journal = await fresh();
    await write(journal, ['a']);
    journal.beginFile();
    await write(journal, ['b']);
    journal.beginFile();
    await write(journal, ['c']);
    const { flushed } = journal;
    rmSync(pathOf('00000002.log'));
    expect(() => replay(openJournal())).toThrow(unreadable(/file 2 is missing/));
    rmSync(pathOf('00000003.log'));
    expect(() => replay(openJournal(), flushed)).toThrow(unreadable(/ends before/));
  });

  it('is a journal of another store', async () => {
    await write(await fresh(), ['a'], ['b']);
    expect(() => replay(openJournal(storeId + 1))).toThrow(unreadable(/another store/));
    expect(replay(openJournal())).toEqual(['a', 'b']);
  });
});

it('flushes nothing where nothing was appended', async () => {
  const journal = await fresh();
  await journal.flush();
  expect(files()).toEqual([]);
});

describe('while a backup is on its way', () => {
  it('no file goes, and afterwards it does', async () => {
    let isBeingCopied = true;
    const disk = openJournalDisk(folder, () => isBeingCopied);
    disks.push(disk);
    await disk.append(1, 0, Buffer.from('records'));
    await expect(disk.remove(1)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    expect(disk.files()).toEqual([1]);
    isBeingCopied = false;
    await disk.remove(1);
    expect(disk.files()).toEqual([]);
  });

  it('is told by the mark of a process that lives', () => {
    const path = join(folder, 'bus.mdb');
    expect(isBeingBackedUp(path)).toBe(false);
    const unmark = markBackup(path);
    expect(isBeingBackedUp(path)).toBe(true);
    unmark();
    expect(isBeingBackedUp(path)).toBe(false);
    // Left by a backup that was killed: no process has so high a number.
    writeFileSync(`${path}-backup-99999999`, '');
    expect(isBeingBackedUp(path)).toBe(false);
  });
});
