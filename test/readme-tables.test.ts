import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import sessionEvents from '../schemas/session-event.json' with { type: 'json' };
import { SessionManager } from '../src/bus/session-manager.ts';
import { commandNames } from '../src/cli/help.ts';
import { settings } from '../src/config/settings.ts';
import { buildApp } from '../src/http/app.ts';
import { policy } from '../src/http/policy.ts';
import { errorTable } from '../src/protocol/errors.ts';
import { config, openTestBus } from './http/test-bus.ts';
import { prose, quoted, tableOf } from './support/markdown.ts';
import { packageRoot } from './support/server-process.ts';

const codeIn = (cell = ''): string => quoted(cell)[0] ?? '';

/** Words of the table for the rules of the policy. */
const whoMay = {
  anyone: 'any key',
  bus: 'the bus key',
  self: 'the agent',
  orchestrator: 'the orchestrator',
  participant: 'a participant',
};

async function registeredRoutes(): Promise<string[]> {
  const app = buildApp({ bus: await openTestBus(), config });
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

  it('every route with who may use it', async () => {
    const rows = tableOf('route').map((row) => [codeIn(row.route).replace(/\{(\w+)\}/g, ':$1'), row['who may']]);
    const expected = (await registeredRoutes()).map((route) => {
      if (route === 'GET /health' || route === 'GET /ready') return [route, 'no key'];
      const rule = policy[route] ?? (/^GET \/(openapi\.json|docs)$/.test(route) ? 'anyone' : 'bus');
      return [route, whoMay[rule]];
    });
    expect(rows.sort()).toEqual(expected.sort());
  });

  it('every error that closes a socket, with its close code', () => {
    const folder = `${packageRoot}src/http`;
    const source = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
    const closing = new Set(source.join().match(/(?<=\.close\(')[A-Z_]+(?='\))/g));
    const listed = tableOf('close code').flatMap(({ reason, 'close code': close }) =>
      quoted(reason ?? '').map((code) => [code, close]),
    );
    const expected = Object.entries(errorTable).flatMap(([code, { ...policyOfCode }]) =>
      closing.has(code) && 'close' in policyOfCode ? [[code, String(policyOfCode.close)]] : [],
    );
    expect(expected).toHaveLength(closing.size);
    expect(listed.sort()).toEqual(expected.sort());
  });

  it('every method of the session manager but those that the bus itself calls', () => {
    const own = ['constructor', 'recordMessage', 'messageDied', 'close'];
    const methods = Object.getOwnPropertyNames(SessionManager.prototype).filter((name) => !own.includes(name));
    expect(
      tableOf('method')
        .flatMap(({ method }) => quoted(method ?? ''))
        .sort(),
    ).toEqual(methods.sort());
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
