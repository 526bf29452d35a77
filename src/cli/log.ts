// The log of the process: everything on stderr is one JSON object a line, what libraries and Node print included.
import { format } from 'node:util';
import type { Logger } from 'pino';
import { openLogger } from '../config/log.ts';

export function openLog(level: string): Logger {
  const log = openLogger(level);
  console.error = (...words: unknown[]) => log.error(format(...words));
  console.warn = (...words: unknown[]) => log.warn(format(...words));
  console.log = console.info = console.debug = (...words: unknown[]) => log.info(format(...words));
  return log;
}
