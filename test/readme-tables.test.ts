import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import sessionEvents from '../schemas/session-event.json' with { type: 'json' };
import { ChatInstance } from '../src/bus/chat-instance.ts';
import { ChatsView } from '../src/bus/chats-view.ts';
import { SessionsView } from '../src/bus/sessions-view.ts';
import { commandNames } from '../src/cli/help.ts';
import { sessionSettings, settings } from '../src/config/settings.ts';
import { guardOf, noTrips } from '../src/core/guards/guard.ts';
import { buildApp } from '../src/http/app.ts';
import { policy } from '../src/http/policy.ts';
import { type ErrorCode, errorTable } from '../src/protocol/errors.ts';
import { config, openTestAudit, openTestBus } from './http/test-bus.ts';
import { prose, quoted, tableOf } from './support/markdown.ts';
import { packageRoot } from './support/server-process.ts';

const codeIn = (cell = ''): string => quoted(cell)[0] ?? '';

/** Words of the table for the rules of the policy. */
const whoMay = {
  anyone: 'any key',
  operator: 'the bus key',
  workspace: 'the workspace',
  self: 'the agent',
  keeper: 'the agent, or `admin`',
  orchestrator: 'the orchestrator',
  participant: 'a participant',
  tasked: 'a participant, or who has it',
};

async function registeredRoutes(): Promise<string[]> {
  const app = buildApp({ bus: await openTestBus(), audit: openTestAudit(), config });
  const routes = new Set<string>();
  app.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD' && !url.startsWith('/docs/')) routes.add(`${method} ${url}`);
  });
  await app.ready();
  await app.close();
  return [...routes];
}

describe('the README lists', () => {
  it('every error with its status, close code and whether to retry', () => {
    const rows = tableOf('code').map(({ code, HTTP, close, retry }) => [codeIn(code), HTTP, close, retry]);
    const table = Object.entries(errorTable).map(([code, policyOfCode]) => {
      const { status, retryable } = policyOfCode;
      const close = 'close' in policyOfCode ? String(policyOfCode.close) : '';
      return [code, String(status), close, retryable ? 'yes' : 'no'];
    });
    expect(rows.sort()).toEqual(table.sort());
  });

  it('every error with a meaning, by status', () => {
    const rows = tableOf('code');
    for (const { code, meaning } of rows) expect(meaning, code).toMatch(/^[A-Z].*\.$/);
    const statuses = rows.map(({ HTTP }) => Number(HTTP));
    expect(statuses).toEqual(statuses.toSorted());
  });

  it('every guard with its code', () => {
    const rows = tableOf('guard').map(({ guard, code }) => [codeIn(guard), codeIn(code)]);
    const codes = Object.keys(errorTable) as ErrorCode[];
    const told = codes.flatMap((code) => (guardOf(code) ? [[guardOf(code), code]] : []));
    expect(rows.sort()).toEqual(told.sort());
    expect(rows.map(([guard]) => guard)).toEqual(Object.keys(noTrips()).sort());
  });

  it('every setting with its default, its names, and what the schema says of it', () => {
    const rows = tableOf('key');
    expect(rows.map(({ key }) => codeIn(key))).toEqual(settings.map(({ key }) => key));
    for (const [index, setting] of settings.entries()) {
      expect(rows[index]).toMatchObject({
        default: setting.default === undefined ? '' : `\`${setting.default}\``,
        environment: `\`${setting.environmentName}\``,
        flag: `\`${setting.flagName}\``,
      });
      expect(rows[index]?.meaning?.startsWith(setting.description), setting.key).toBe(true);
    }
  });

  it('every route with its scope and who may use it', async () => {
    const rows = tableOf('route').map((row) => [
      codeIn(row.route).replace(/\{(\w+)\}/g, ':$1'),
      codeIn(row.scope),
      row['who may'],
    ]);
    const expected = (await registeredRoutes()).map((route) => {
      if (route === 'GET /health' || route === 'GET /ready') return [route, '', 'no key'];
      const { scope = '', who } = policy[route] ?? {
        who: /^GET \/(openapi\.json|docs)$/.test(route) ? ('anyone' as const) : ('operator' as const),
      };
      return [route, scope, whoMay[who]];
    });
    expect(rows.sort()).toEqual(expected.sort());
  });

  it('every error that closes a socket, with its close code', () => {
    const folders = [`${packageRoot}src/http`, `${packageRoot}src/bus`];
    const files = folders.flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));
    const source = files.map((file) => readFileSync(file, 'utf8'));
    const closing = new Set(source.join().match(/(?<=\.close\(')[A-Z_]+(?=')/g));
    const listed = tableOf('close code').flatMap(({ reason, 'close code': close }) =>
      quoted(reason ?? '').map((code) => [code, close]),
    );
    const expected = Object.entries(errorTable).flatMap(([code, { ...policyOfCode }]) =>
      closing.has(code) && 'close' in policyOfCode ? [[code, String(policyOfCode.close)]] : [],
    );
    expect(expected).toHaveLength(closing.size);
    expect(listed.sort()).toEqual(expected.sort());
  });

  it('every method of the session manager', () => {
    const notForCallers = new Set(['constructor', 'managerOf', 'find']);
    const methods = [SessionsView.prototype, ChatsView.prototype]
      .flatMap((prototype) => Object.getOwnPropertyNames(prototype))
      .filter((name) => !notForCallers.has(name));
    expect(
      tableOf('method')
        .flatMap(({ method }) => quoted(method ?? ''))
        .sort(),
    ).toEqual(methods.sort());
  });

  it('every option of a session manager without a bus, with its default', () => {
    const rows = tableOf('option').map(({ option, default: byDefault }) => [codeIn(option), byDefault]);
    const others = [
      ['templates', 'the built-in ones'],
      ['aiProviders', 'none'],
    ];
    const checked = sessionSettings.map(({ key, default: byDefault }) => [key, `\`${byDefault}\``]);
    expect(rows.sort()).toEqual([...checked, ...others].sort());
  });

  it('every member of a chat', () => {
    const listed = tableOf('of a chat').flatMap(({ 'of a chat': members = '' }) => quoted(members));
    const members = Object.getOwnPropertyNames(ChatInstance.prototype).filter((name) => name !== 'constructor');
    expect(listed.map((member) => member.replace(/\(.*/, '')).sort()).toEqual(['id', 'sessionId', ...members].sort());
  });

  it('every event of a session', () => {
    const types = JSON.stringify(sessionEvents).matchAll(/"type":\{"const":"(\w+)"\}/g);
    const [, list = ''] = /^Events, on the session\s+manager(.*?)They\s+come\s+in/ms.exec(prose) ?? [];
    const expected = [...[...types].map(([, type]) => type), 'session_deleted', 'sessionId'];
    expect(quoted(list).sort()).toEqual(expected.sort());
  });

  it('every command', () => {
    expect(tableOf('command').map(({ command }) => codeIn(command))).toEqual(
      commandNames.map((name) => `agent-bus ${name}`),
    );
  });

  it('every part of the source', () => {
    const parts = readdirSync(`${packageRoot}src`, { withFileTypes: true }).map(
      (entry) => `src/${entry.name}${entry.isDirectory() ? '/' : ''}`,
    );
    const rows = tableOf('path').map(({ path }) => codeIn(path));
    expect(rows.filter((path) => path.startsWith('src/')).sort()).toEqual(parts.sort());
  });
});
