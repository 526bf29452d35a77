// A bus behind its HTTP door, and a client that holds every answer against the schema that its route declares.
import { once } from 'node:events';
import http, { type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, onTestFinished } from 'vitest';
import { type AppOptions, buildApp } from '../../src/http/app.ts';
import { validatorOf } from '../../src/schema/registry.ts';
import { busKey, config, openTestAudit, openTestBus } from './test-bus.ts';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read replies freely; their shape was checked against the schema
  body: any;
}

export interface Call {
  /** A value is sent as JSON; a string or buffer as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  /** Another key than the bus key; `null` for none. */
  key?: string | null;
}

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }> }>;
}
type Paths = Record<string, Record<string, Operation>>;

/** What the routes declare, whichever bus they are of: to write it down takes as long as a request. */
let paths: Paths | undefined;

/** Closed when the test ends. */
export async function startHttp(options: Partial<AppOptions> = {}): Promise<Http> {
  const http = await openHttp(options);
  onTestFinished(() => http.close());
  return http;
}

/** One for all tests of the file or the group that this is called in: for those that leave it as it was. */
export function shareHttp(options: Partial<AppOptions> = {}): () => Http {
  let http: OpenHttp;
  beforeAll(async () => {
    http = await openHttp(options);
    return () => http.close();
  });
  return () => http;
}

/** The same, to be closed by hand. */
export async function openHttp(options: Partial<AppOptions> = {}) {
  const failures: unknown[] = [];
  const bus = options.bus ?? (await openTestBus(failures));
  const app = buildApp({ bus, audit: openTestAudit(failures), config, ...options });
  await app.listen({ host: '127.0.0.1', port: 0 });
  async function close(): Promise<void> {
    await app.close();
    if (!options.bus) await bus.close();
    expect(failures).toEqual([]);
  }
  const { port } = app.server.address() as AddressInfo;
  paths ??= app.swagger().paths as unknown as Paths;
  const declared = paths;

  /** The path is sent as it is written. */
  async function call(method: string, path: string, { body, headers = {}, key = busKey }: Call = {}): Promise<Reply> {
    const bytes = Buffer.isBuffer(body) ? body : typeof body === 'string' ? body : JSON.stringify(body);
    const request = http.request({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: false,
      headers: {
        ...(key !== null && { 'x-agent-api-key': key }),
        ...(bytes !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
        ...headers,
      },
    });
    request.end(bytes);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const text = Buffer.concat(await response.toArray()).toString();
    const type = response.headers['content-type'] ?? '';
    const reply: Reply = {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text,
      body: type.includes('json') && method !== 'HEAD' ? JSON.parse(text) : undefined,
    };
    if (method !== 'HEAD') expectDeclared(declared, method, path, reply);
    return reply;
  }

  return { app, bus, port, call, close, url: `http://127.0.0.1:${port}` };
}

function expectDeclared(paths: Paths, method: string, path: string, { status, headers, body, text }: Reply): void {
  if (status >= 400) {
    expect(headers['content-type'], text).toContain('application/problem+json');
    expectValid('Problem', body);
    expect(body.status).toBe(status);
    return;
  }
  const plain = path.split('?', 1)[0] ?? '';
  const template = Object.keys(paths).find((one) =>
    new RegExp(`^${one.replace(/\{.*?\}/g, '(?:[^/]+|[^/]+://[^/]+)')}$`).test(plain),
  );
  const declared = template ? paths[template]?.[method.toLowerCase()]?.responses[String(status)] : undefined;
  if (!declared?.content) return;
  const type = headers['content-type']?.split(';', 1)[0] ?? '';
  expect(Object.keys(declared.content)).toContain(type);
  const ref = declared.content[type]?.schema.$ref;
  if (ref) expectValid(ref.slice(ref.lastIndexOf('/') + 1), body);
}

export function expectValid(definition: string, value: unknown): void {
  const validate = validatorOf(definition);
  expect(validate(value), `${definition}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`).toBe(true);
}

export function expectProblem(reply: Reply, status: number, code: string): void {
  expect({ status: reply.status, code: reply.body?.code }, reply.text).toEqual({ status, code });
}

export type OpenHttp = Awaited<ReturnType<typeof openHttp>>;
export type Http = Omit<OpenHttp, 'close'>;

/** Registers agents so that they can be written to. @returns their tokens. */
export async function register({ call }: Http, ...ids: string[]): Promise<string[]> {
  const replies = await Promise.all(
    ids.map((agent_id) =>
      call('POST', '/agents/register', { body: { agent_descriptor: { agent_id, capabilities: ['work'] } } }),
    ),
  );
  return replies.map(({ body }) => body.token);
}
