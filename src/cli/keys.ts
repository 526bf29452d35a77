// `agent-bus keys`: makes, lists, replaces and revokes workspace keys of a running bus.
import { operatorKey } from '../config/api-key.ts';
import type { BusConfig } from '../config/config.ts';
import { BusError, type ErrorCode, errorTable } from '../protocol/errors.ts';
import type { Key, KeyList, KeyReply, Problem } from '../protocol/types.gen.ts';
import { localUrl } from './address.ts';
import type { KeyRequest } from './key-request.ts';
import { keyLine, keyTable } from './key-table.ts';
import { requestLocally } from './local-request.ts';

const patience = 10_000;

/** A secret goes to stdout, so that a script can take it; what is said about it goes to stderr. @throws BusError what the bus says */
export async function keys(config: BusConfig, request: KeyRequest): Promise<number> {
  const answer = await ask(config, request);
  switch (request.action) {
    case 'create':
    case 'rotate': {
      const { key, secret } = answer as KeyReply;
      process.stderr.write(`${keyLine(key)}\nThe secret is shown only now:\n`);
      process.stdout.write(`${secret}\n`);
      return 0;
    }
    case 'list':
      process.stdout.write(keyTable(await allOf(answer as KeyList, config, request)));
      return 0;
    case 'revoke':
      process.stderr.write('The key is revoked.\n');
      return 0;
  }
}

/** With the pages behind the first. */
async function allOf({ items, next }: KeyList, config: BusConfig, request: KeyRequest): Promise<Key[]> {
  const all = [...items];
  for (let after = next; after !== undefined; ) {
    const path = `${request.path}&after=${encodeURIComponent(after)}`;
    const page = (await ask(config, { ...request, path })) as KeyList;
    all.push(...page.items);
    after = page.next;
  }
  return all;
}

async function ask(config: BusConfig, { method, path, body }: KeyRequest): Promise<unknown> {
  if (config.port === 0) throw new BusError('CONFIG_INVALID', 'Set the port of the bus to ask: 0 names none.');
  const key = operatorKey(config);
  if (key === undefined) throw new BusError('UNAUTHORIZED', 'Set AGENT_BUS_API_KEY, or --data-dir to that of the bus.');
  const request = {
    ...{ method, path, patience },
    headers: { 'x-agent-api-key': key, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  };
  const reply = await requestLocally(config, request);
  const answer = jsonOf(reply.body);
  if (reply.status >= 200 && reply.status < 300) return answer;
  throw (
    refusalOf(answer) ??
    new BusError('INTERNAL', `${localUrl(config, config.port)} answered ${reply.status}, which is no bus.`)
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusalOf(answer: unknown): BusError | undefined {
  const { code, error, errors = [] } = (answer ?? {}) as Partial<Problem>;
  if (typeof code !== 'string' || !(code in errorTable) || typeof error !== 'string') return undefined;
  return new BusError(code as ErrorCode, error, { details: errors });
}
