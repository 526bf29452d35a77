import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layOutImage, readDockerfile } from '../support/container.ts';
import { CliProcess, type ProcessOptions, packageRoot, runToEnd } from '../support/server-process.ts';

const image = readDockerfile();
const valuesOf = (name: string) => image.instructions.filter((one) => one.name === name).map(({ value }) => value);

describe('the Dockerfile', () => {
  it('ends in an image that runs as a user without rights, keeps its data on a volume and stops on SIGTERM', () => {
    expect(valuesOf('FROM')).toEqual(['node:24-slim']);
    expect(valuesOf('USER')).toEqual(['node']);
    expect(valuesOf('VOLUME')).toEqual(['/data']);
    expect(valuesOf('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(valuesOf('EXPOSE')).toEqual(['8080']);
    expect(image.env).toMatchObject({
      AGENT_BUS_HOST: '0.0.0.0',
      AGENT_BUS_PERSISTENCE_ENABLED: 'true',
      AGENT_BUS_DATA_DIR: '/data',
    });
    expect([image.entrypoint, image.cmd, image.healthcheck]).toEqual([
      ['node', 'dist/cli/main.js'],
      ['serve'],
      ['node', 'dist/cli/main.js', 'health'],
    ]);
  });

  it('makes the data directory for that user before it becomes a volume', () => {
    const names = image.instructions.map(({ name, value }) => (name === 'RUN' ? value : name));
    const made = names.indexOf('install -d -m 0700 -o node -g node /data');
    expect(made).toBeGreaterThan(0);
    expect(names.indexOf('USER')).toBeGreaterThan(made);
    expect(names.indexOf('VOLUME')).toBeGreaterThan(made);
  });

  it('copies only what .dockerignore lets through', () => {
    const text = readFileSync(join(packageRoot, 'Dockerfile'), 'utf8');
    const copied = [...text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
    const ignore = readFileSync(join(packageRoot, '.dockerignore'), 'utf8').split('\n');
    expect(ignore).toContain('*');
    expect(copied.filter((source) => !ignore.includes(`!${source}`))).toEqual([]);
  });
});

describe('the compose file', () => {
  it.each([
    'AGENT_BUS_API_KEY: ${AGENT_BUS_API_KEY:?',
    'stop_grace_period: 10s',
    'restart: unless-stopped',
    'read_only: true',
    '- /tmp',
    '- data:/data',
    '- ALL',
    '- no-new-privileges:true',
  ])('says `%s`', (line) => {
    expect(readFileSync(join(packageRoot, 'docker/compose.yml'), 'utf8')).toContain(line);
  });
});

describe('a container, as processes of another user', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-bus-container-'));
  const app = join(folder, 'app');
  const data = join(folder, 'data');
  /** The user `node` of the image; only root can become it. */
  const user = process.getuid?.() === 0 ? { uid: 1000 } : {};
  const apiKey = 'a-key-for-the-container';
  let bus: CliProcess;
  let port: string;

  const inContainer = (env: Record<string, string>): ProcessOptions => ({
    ...user,
    command: [],
    cwd: app,
    env: { ...image.env, PATH: join(app, 'bin'), AGENT_BUS_DATA_DIR: data, AGENT_BUS_PORT: '0', ...env },
  });
  const started = () => inContainer({ AGENT_BUS_HOST: '127.0.0.1', AGENT_BUS_API_KEY: apiKey });
  const health = () => runToEnd(image.healthcheck, inContainer({ AGENT_BUS_PORT: port }));
  const send = (messageId: string) =>
    fetch(`http://127.0.0.1:${port}/messages/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-agent-api-key': apiKey },
      body: JSON.stringify({
        message_id: messageId,
        sender: { agent_id: 'test://sender' },
        recipient: { agent_id: 'test://receiver' },
        message_type: 'status_update',
        payload: { padding: 'x'.repeat(500) },
      }),
    });

  async function startBus(): Promise<void> {
    bus = new CliProcess([...image.entrypoint, ...image.cmd], started());
    [, port = ''] = await bus.printed(/listens on http:\/\/127\.0\.0\.1:(\d+)\n/);
  }

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    mkdirSync(app);
    await layOutImage(app);
    mkdirSync(data, { mode: 0o700 });
    if (user.uid) chownSync(data, user.uid, user.uid);
    await startBus();
    await fetch(`http://127.0.0.1:${port}/agents/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-agent-api-key': apiKey },
      body: JSON.stringify({ agent_descriptor: { agent_id: 'test://receiver', capabilities: [] } }),
    });
  }, 60_000);
  afterAll(async () => {
    bus.kill('SIGKILL');
    await bus.exited;
    rmSync(folder, { recursive: true });
  });

  it('is found alive by the health check', async () => {
    expect(await health()).toMatchObject({ code: 0, stderr: '' });
  });

  it('keeps its files to its own user', async () => {
    expect((await send('modes')).status).toBe(202);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    const files = readdirSync(data, { recursive: true }).map((name) => join(data, String(name)));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const { mode, uid } = statSync(file);
      expect(`${file} ${(mode & 0o077).toString(8)}`).toBe(`${file} 0`);
      expect(uid).toBe(user.uid ?? process.getuid?.());
    }
  });

  it('stops with 0 within 10 s of SIGTERM while mail flows, and loses nothing that it accepted', async () => {
    const accepted: string[] = [];
    let sending = true;
    async function sendUntilRefused(lane: number): Promise<void> {
      for (let count = 0; sending; count++) {
        const messageId = `flow_${lane}_${count}`;
        const status = await send(messageId).then(
          (response) => response.status,
          () => 0,
        );
        if (status !== 202) sending = false;
        // Once: a second signal would end it at once.
        else if (accepted.push(messageId) === 200) bus.kill('SIGTERM');
      }
    }
    const begin = Date.now();
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(sendUntilRefused));
    expect(accepted.length).toBeGreaterThanOrEqual(200);
    expect(await bus.exited).toEqual({ code: 0, signal: null });
    expect(Date.now() - begin).toBeLessThan(10_000);
    expect((await health()).code).toBe(1);

    await startBus();
    const headers = { 'x-agent-api-key': apiKey };
    const found = await Promise.all(
      accepted.map((messageId) => fetch(`http://127.0.0.1:${port}/messages/${messageId}`, { headers })),
    );
    expect(found.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('does not start without a key, since others can reach it', async () => {
    const { code, stderr } = await runToEnd([...image.entrypoint, ...image.cmd], inContainer({}));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^agent-bus: CONFIG_INVALID apiKey: /);
  });
});
