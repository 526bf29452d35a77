import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { readTlsFiles } from '../../src/config/tls-files.ts';
import type { Config } from '../../src/protocol/types.gen.ts';
import { CommunicationBus } from '../../src/server.ts';
import { makeCertificate } from '../support/certificate.ts';
import { SocketClient } from '../support/socket-client.ts';
import { startHttp } from './start-http.ts';
import { busKey, config } from './test-bus.ts';

const folder = mkdtempSync(join(tmpdir(), 'agent-bus-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));
const first = makeCertificate(folder, 'first');
const second = makeCertificate(folder, 'second');

const key = 'bus-key';
const headers = { 'x-agent-api-key': key, 'content-type': 'application/json' };

async function start(options: Config = {}) {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  const bus = new CommunicationBus(
    { port: 0, apiKey: key, shutdownTimeout: 400, ...first.files, ...options },
    { logger: pino({ level: 'info' }, sink) },
  );
  const { port, url } = await bus.start();
  onTestFinished(() => bus.stop(), 6_000);
  return { bus, port, url, lines };
}

async function call(url: string, path: string, { ca = first.ca, body }: { ca?: string; body?: object } = {}) {
  const request = https.request(url + path, { ca, headers, agent: false, method: body ? 'POST' : 'GET' });
  request.end(body && JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const certificate = (response.socket as tls.TLSSocket).getPeerCertificate();
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, subject: certificate.subject.CN, text };
}

/** Ends with the connection, whatever comes before. */
async function textOf(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'close');
  return text;
}

describe('a bus with a certificate', () => {
  it('speaks HTTPS and WSS, in the fast lane as well', async () => {
    const { url, port } = await start();
    expect(url).toBe(`https://127.0.0.1:${port}`);
    const client = await SocketClient.open(`wss://localhost:${port}/?agent_id=a://b`, ['agent-bus.v1'], {
      ca: first.ca,
      headers,
    });
    const envelope = { sender: { agent_id: 'a://b' }, recipient: { agent_id: 'a://b' }, message_type: 'task_request' };
    expect((await call(url, '/messages/send', { body: { ...envelope, message_id: 'm1' } })).status).toBe(202);
    expect((await client.envelope('m1')).message_id).toBe('m1');
    const raw = tls.connect({ port, host: '127.0.0.1', ca: first.ca });
    onTestFinished(() => void raw.destroy());
    const body = JSON.stringify({ ...envelope, message_id: 'm2' });
    const head = ['host: localhost', `x-agent-api-key: ${key}`, 'content-type: application/json'];
    raw.write(`POST /messages/send HTTP/1.1\r\n${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    expect(String((await once(raw, 'data'))[0])).toMatch(/^HTTP\/1.1 202 /);
    expect((await client.envelope('m2')).message_id).toBe('m2');
    await client.close();
  });

  it('reads in their order requests that come in many records', async () => {
    const { port } = await start();
    const raw = tls.connect({ port, host: '127.0.0.1', ca: first.ca });
    const head = `host: localhost\r\nx-agent-api-key: ${key}\r\n`;
    const refused = `POST /messages/send HTTP/1.1\r\n${head}content-type: application/json\r\n`;
    const body = JSON.stringify({ padding: 'x'.repeat(200_000) });
    raw.write(`GET /agents HTTP/1.1\r\n${head}\r\n`.repeat(1_000));
    raw.write(`${refused}content-length: ${body.length}\r\n\r\n${body}`);
    raw.write(`GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    const statuses = (await textOf(raw)).match(/(?<=HTTP\/1.1 )\d+/g);
    expect(statuses).toEqual([...Array.from({ length: 1_000 }, () => '200'), '400', '200']);
  });

  it('has nothing to say in plain HTTP', async () => {
    const { port } = await start();
    const socket = net.connect(port, '127.0.0.1');
    socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(await textOf(socket)).not.toContain('HTTP');
  });

  it.each<[tls.SecureVersion, boolean]>([
    ['TLSv1.1', false],
    ['TLSv1.2', true],
    ['TLSv1.3', true],
  ])('takes a client that speaks at most %s: %s', async (maxVersion, taken) => {
    const { port } = await start();
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const socket = tls.connect({ port, host: '127.0.0.1', ca: first.ca, minVersion: 'TLSv1', maxVersion, ciphers });
    onTestFinished(() => void socket.destroy());
    const greeted = once(socket, 'secureConnect').then(
      () => true,
      () => false,
    );
    expect(await greeted).toBe(taken);
    if (taken) expect(socket.getProtocol()).toBe(maxVersion);
  });

  it('ends connections beyond maxHttpConnections, those without a handshake as well, until one is free', async () => {
    const { url, port } = await start({ maxHttpConnections: 2 });
    const silent = [net.connect(port, '127.0.0.1'), net.connect(port, '127.0.0.1')];
    for (const socket of silent) {
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
    }
    await expect(call(url, '/health')).rejects.toThrow();
    silent[0]?.destroy();
    await expect.poll(() => call(url, '/health').then(({ status }) => status, String)).toBe(200);
  });

  it('does not count sockets as plain connections', async () => {
    const { url, port } = await start({ maxHttpConnections: 1 });
    const open = () => SocketClient.open(`wss://localhost:${port}/?agent_id=a://b`, [], { ca: first.ca, headers });
    for (const client of [await open(), await open(), await open()]) await client.close();
    await expect.poll(() => call(url, '/health').then(({ status }) => status, String)).toBe(200);
    await expect.poll(() => call(url, '/health').then(({ status }) => status, String)).toBe(200);
  });

  it('cuts off who does not read its answers', async () => {
    const limits = { slowReaderTimeout: 300, maxBufferedBytes: 2_097_152 };
    const { app, port } = await startHttp({ config: { ...config, ...limits }, tls: readTlsFiles(first.files) });
    const slow = tls.connect({ port, host: '127.0.0.1', ca: first.ca });
    slow
      .pause()
      .write(`GET /openapi.json HTTP/1.1\r\nhost: localhost\r\nx-agent-api-key: ${busKey}\r\n\r\n`.repeat(400));
    await once(app.server, 'secureConnection');
    const open = promisify(app.server.getConnections.bind(app.server));
    // Who does not read hears of nothing, not even of the end.
    await expect.poll(open, { timeout: 12_000 }).toBe(0);
    slow.resume();
    const text = await textOf(slow);
    expect(text).not.toContain('HTTP/1.1 400');
    expect(text.split('HTTP/1.1 200 OK').length - 1).toBeLessThan(400);
  }, 15_000);

  it('stops at once, however many handshakes are not over', async () => {
    const { bus, port } = await start({ shutdownTimeout: 60_000 });
    const silent = net.connect(port, '127.0.0.1');
    const ended = textOf(silent);
    await once(silent, 'connect');
    await call(`https://127.0.0.1:${port}`, '/health');
    const began = performance.now();
    await bus.stop();
    await ended;
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

describe('a certificate', () => {
  /** Files of its own, that a test may replace. */
  function ownFiles() {
    const files = { tlsCert: join(folder, 'own.crt'), tlsKey: join(folder, 'own.key') };
    const put = (from: { files: typeof files }) => {
      copyFileSync(from.files.tlsCert, files.tlsCert);
      copyFileSync(from.files.tlsKey, files.tlsKey);
    };
    put(first);
    return { files, put };
  }

  it('is renewed without a restart: new connections get the new one, open ones go on', async () => {
    const { files, put } = ownFiles();
    const { bus, url, port } = await start(files);
    const client = await SocketClient.open(`wss://localhost:${port}/?agent_id=a://b`, ['agent-bus.v1'], {
      ca: first.ca,
      headers,
    });
    expect((await call(url, '/health')).subject).toBe('first');
    put(second);
    expect((await call(url, '/health')).subject).toBe('first');
    expect(bus.reloadTls()).toBe(true);
    expect((await call(url, '/health', { ca: second.ca })).subject).toBe('second');
    await client.roundTrip();
    await client.close();
  });

  it.each<[string, (files: { tlsCert: string; tlsKey: string }) => void]>([
    ['the certificate is gone', ({ tlsCert }) => rmSync(tlsCert)],
    ['the key is gone', ({ tlsKey }) => rmSync(tlsKey)],
    ['the certificate is cut off', ({ tlsCert }) => writeFileSync(tlsCert, first.ca.slice(0, 200))],
    ['the key is another one', ({ tlsKey }) => copyFileSync(second.files.tlsKey, tlsKey)],
    [
      'the files are swapped',
      ({ tlsCert, tlsKey }) => {
        copyFileSync(tlsKey, tlsCert);
        copyFileSync(first.files.tlsCert, tlsKey);
      },
    ],
  ])('stays when it is to be renewed and %s, and that is logged', async (_what, spoil) => {
    const { files } = ownFiles();
    const { bus, url, lines } = await start(files);
    spoil(files);
    expect(bus.reloadTls()).toBe(false);
    expect((await call(url, '/health')).subject).toBe('first');
    expect(lines.at(-1)).toMatchObject({ level: 50, msg: expect.stringContaining('the former one stays') });
    expect(JSON.stringify(lines)).not.toContain('PRIVATE KEY');
    await bus.stop();
    await expect(bus.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('is not there to be renewed on a bus of plain HTTP', async () => {
    const bus = new CommunicationBus({ port: 0, apiKey: key, logLevel: 'silent' });
    const { url } = await bus.start();
    expect(bus.reloadTls()).toBe(false);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await bus.stop();
  });

  it('needs its key', () => {
    expect(() => new CommunicationBus({ tlsCert: first.files.tlsCert })).toThrow(
      /tlsCert is of no use alone: set tlsKey/,
    );
    expect(() => new CommunicationBus({ tlsKey: first.files.tlsKey })).toThrow(
      /tlsKey is of no use alone: set tlsCert/,
    );
  });
});
