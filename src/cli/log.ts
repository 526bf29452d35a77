// The log of the process: everything on stderr is one JSON object a line, what libraries and Node print included.
import { format } from 'node:util';
import { type Logger, pino } from 'pino';

export function openLog(level: string): Logger {
  const log = pino({ level }, pino.destination({ dest: 2, sync: true }));
  console.error = (...words: unknown[]) => log.error(format(...words));
  console.warn = (...words: unknown[]) => log.warn(format(...words));
  console.log = console.info = console.debug = (...words: unknown[]) => log.info(format(...words));
  return log;
}
