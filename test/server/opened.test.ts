import { describe, expect, it } from 'vitest';
import { Opened } from '../../src/server/opened.ts';

function openThree(close: (name: string) => void): Opened {
  const opened = new Opened();
  for (const name of ['store', 'bus', 'door']) {
    opened.add({
      async close() {
        close(name);
      },
    });
  }
  return opened;
}

describe('what was opened', () => {
  it('is closed once, the last first', async () => {
    const closed: string[] = [];
    const opened = openThree((name) => closed.push(name));
    await opened.close();
    await opened.close();
    expect(closed).toEqual(['door', 'bus', 'store']);
  });

  it('is closed whatever becomes of the others, and the first error is told', async () => {
    const closed: string[] = [];
    const opened = openThree((name) => {
      closed.push(name);
      if (name !== 'store') throw new Error(`${name} is stuck`);
    });
    await expect(opened.close()).rejects.toThrow('door is stuck');
    expect(closed).toEqual(['door', 'bus', 'store']);
  });
});
