import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { guardLogger } from '../../src/config/log.ts';
import { BusError } from '../../src/protocol/errors.ts';

function open() {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  return { log: guardLogger(pino({ level: 'trace' }, sink)), lines };
}

describe('a guarded logger', () => {
  it.each(['apiKey', 'token', 'authorization', 'cookie', 'headers', 'payload', 'body', 'envelope', 'raw'])(
    'leaves %s out, wherever it stands',
    (name) => {
      const { log, lines } = open();
      log.error({ [name]: 'canary', request: { [name]: { deep: 'canary' }, id: 7 }, sessionId: 's1' }, 'said');
      log.child({ [name]: 'canary' }).info('said');
      expect(lines[0]).toMatchObject({ msg: 'said', sessionId: 's1', request: { id: 7 } });
      expect(JSON.stringify(lines)).not.toContain('canary');
    },
  );

  it('says of an error what happened and where, and nothing of what it was made of', () => {
    const { log, lines } = open();
    const cause = Object.assign(new TypeError('why'), { code: 'EIO', data: 'canary' });
    const details = [{ path: '/payload', message: 'canary' }];
    log.error({ err: new BusError('STORE_FAILED', 'What.', { cause, details }) }, 'failed');
    expect(lines[0]?.err).toEqual({
      type: 'BusError',
      code: 'STORE_FAILED',
      message: 'What.',
      stack: expect.stringContaining('log.test.ts'),
      cause: { type: 'TypeError', code: 'EIO', message: 'why', stack: expect.any(String) },
    });
    expect(JSON.stringify(lines)).not.toContain('canary');
  });

  it('ends with an error that is its own cause, and takes what is none', () => {
    const { log, lines } = open();
    const circle = new Error('round');
    circle.cause = circle;
    for (const err of [circle, 'canary', undefined, { body: 'canary' }]) log.error({ err }, 'failed');
    expect(lines).toHaveLength(4);
    expect(JSON.stringify(lines)).not.toContain('canary');
  });
});
