import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type CallerOptions, createAllowedCallers } from '../../src/http/allowed-callers.ts';

const onLoopback: CallerOptions = { host: '127.0.0.1' };
const everywhere: CallerOptions = { host: '0.0.0.0' };
const named: CallerOptions = { host: 'Bus.lan', allowedHosts: ['agent-bus', 'BUS.example.com', '2001:db8::7'] };

const admitsHost = (options: CallerOptions, host: string) => !createAllowedCallers(options).faultOfHost(host);
const admitsOrigin = (options: CallerOptions, origin: string, host = 'localhost:8080') =>
  !createAllowedCallers(options).faultOfOrigin(origin, host);

describe('Host', () => {
  it.each([
    [onLoopback, 'localhost'],
    [onLoopback, 'LocalHost:8080'],
    [onLoopback, '127.0.0.1:1'],
    [onLoopback, '127.8.9.10'],
    [onLoopback, '[::1]:8080'],
    [onLoopback, '[::1]'],
    [{ host: '::1' }, 'localhost'],
    [everywhere, 'localhost:8080'],
    [everywhere, '192.0.2.7:8080'],
    [everywhere, '[2001:db8::1]'],
    [everywhere, hostname()],
    [{ host: '::' }, '10.1.2.3'],
    [{ host: '192.0.2.7' }, '192.0.2.7'],
    [{ host: '192.0.2.7' }, '127.0.0.1'],
    [named, 'bus.lan:8080'],
    [named, 'agent-bus:8080'],
    [named, 'bus.EXAMPLE.com'],
    [{ ...onLoopback, allowedHosts: ['2001:db8::7'] }, '[2001:DB8::7]:443'],
  ])('of a bus with %j may be %s', (options, host) => {
    expect(admitsHost(options, host)).toBe(true);
  });

  const spoofs = [
    ...['evil.example', 'evil.example:8080', 'localhost.evil.example', 'evil-localhost', 'xlocalhost', 'localhost.'],
    ...['127.0.0.1.evil.example', '127.0.0.1.', '127.1', '0x7f.0.0.1', '2130706433', '0177.0.0.1', '[::ffff:7f00:1].x'],
    ...['localhost@evil.example', 'evil.example@localhost', 'localhost:80@evil.example', 'localhost,evil.example'],
    ...['localhost evil.example', 'localhost:', 'localhost:x', 'localhost:123456', 'localhost:80:80', '[localhost]'],
    ...[
      '',
      ' ',
      '*',
      '.',
      '[]',
      '[::1',
      '::1',
      'http://localhost',
      'localhost/',
      'localhost#',
      'ⓛocalhost',
      'a'.repeat(9_000),
    ],
  ];
  it.each(spoofs)('may never be %j', (host) => {
    for (const options of [onLoopback, everywhere, named]) expect(admitsHost(options, host), options.host).toBe(false);
  });

  it.each(['192.0.2.7', '0.0.0.0:8080', '[::]:8080', '[2001:db8::1]', 'agent-bus', hostname()])(
    'of a bus on loopback may not be %s',
    (host) => {
      expect(admitsHost(onLoopback, host)).toBe(false);
    },
  );

  it('is checked each time, whatever was admitted before', () => {
    const callers = createAllowedCallers(onLoopback);
    expect(callers.faultOfHost('localhost')).toBeUndefined();
    expect(callers.faultOfHost('evil.example')).toMatchObject({ code: 'HOST_NOT_ALLOWED', status: 421 });
    expect(callers.faultOfHost('evil.example')).toBeDefined();
    expect(callers.faultOfHost('localhost')).toBeUndefined();
  });
});

describe('Origin', () => {
  const app = {
    ...everywhere,
    allowedOrigins: ['https://App.example.com'],
    corsOrigins: ['https://ide.example.com:8443'],
  };

  it.each<[CallerOptions, string, string?]>([
    [onLoopback, 'http://localhost:8080'],
    [onLoopback, 'http://localhost:5173'],
    [onLoopback, 'https://127.0.0.1'],
    [onLoopback, 'http://[::1]:3000'],
    [everywhere, 'http://192.0.2.7:8080', '192.0.2.7:8080'],
    [everywhere, 'https://Bus.example.com', 'bus.EXAMPLE.com'],
    [app, 'https://app.example.com'],
    [app, 'https://ide.example.com:8443'],
    [{ ...onLoopback, allowedOrigins: ['vscode-webview://panel'] }, 'vscode-webview://panel'],
  ])('of a bus with %j may be %s', (options, origin, host) => {
    expect(admitsOrigin(options, origin, host)).toBe(true);
  });

  const spoofs = [
    ...['null', 'Null', '', 'file://', 'http://', 'https://evil.example', 'http://evil.example:8080'],
    ...['http://localhost.evil.example', 'http://evil.example#localhost', 'http://evil.example/localhost'],
    ...['http://localhost:8080/', 'http://localhost@evil.example', 'http://evil.example@localhost'],
    ...[
      'http://localhost, http://evil.example',
      'http://evil.example, http://localhost',
      '*',
      'localhost',
      '//localhost',
    ],
    ...[
      'chrome-extension://localhost',
      'ftp://localhost',
      'javascript://localhost',
      'xhttp://localhost',
      'http:localhost',
    ],
    ...['http://127.1', 'http://2130706433', 'http://[::1', 'http://::1', 'http://localhost:x'],
    ...[
      'https://app.example.com.evil.example',
      'http://app.example.com',
      'https://app.example.com:444',
      'https://xapp.example.com',
    ],
    ...['https://ide.example.com', 'http://192.0.2.8', 'http://localhost\u0000', 'a'.repeat(9_000)],
  ];
  it.each(spoofs)('may never be %j', (origin) => {
    for (const options of [onLoopback, app]) expect(admitsOrigin(options, origin), options.host).toBe(false);
  });

  it('is refused with 403, and needs not be there', () => {
    const { faultOfOrigin } = createAllowedCallers(onLoopback);
    expect(faultOfOrigin('null', 'localhost')).toMatchObject({ code: 'ORIGIN_NOT_ALLOWED', status: 403 });
    expect(faultOfOrigin(undefined, 'localhost')).toBeUndefined();
  });
});
