// How the peers are run: as Debian packages them, each with its own directory and ports, durable as far as each can be.
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../eventually.mjs';
import { freePort, isListening } from './ports.mjs';

const host = '127.0.0.1';

/** @type {import('../programs.mjs').Program} */
const redis = {
  protocol: 'redis',
  acks: true,
  needs: { commands: ['redis-server'], package: 'redis-server' },
  launch: async ({ directory }) => {
    const port = await freePort();
    // A rewrite of the file by a child would go on while the server is held still, on the core of the others.
    const rewrite = ['--auto-aof-rewrite-percentage', '0', '--save', ''];
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
    return {
      command: [
        ...['redis-server', '--bind', host, '--port', String(port), '--dir', directory],
        ...[...durable, ...rewrite],
      ],
      ready: /Ready to accept connections/,
      url: `redis://${host}:${port}`,
    };
  },
};

/** Debian's `rabbitmq-server` on the PATH changes the user; the script behind it runs in any directory. */
const rabbitmqServer = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** @type {import('../programs.mjs').Program} */
const rabbitmq = {
  protocol: 'amqp',
  acks: true,
  needs: { commands: [rabbitmqServer, 'epmd'], package: 'rabbitmq-server' },
  launch: async ({ directory }) => {
    const [port, nodePort, registryPort] = await Promise.all([freePort(), freePort(), freePort()]);
    const registry = await startRegistry(registryPort);
    return {
      command: [rabbitmqServer],
      env: {
        HOME: directory,
        ERL_EPMD_ADDRESS: host,
        ERL_EPMD_PORT: String(registryPort),
        RABBITMQ_NODENAME: 'bench@localhost',
        RABBITMQ_NODE_IP_ADDRESS: host,
        RABBITMQ_NODE_PORT: String(port),
        RABBITMQ_DIST_PORT: String(nodePort),
        RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
        RABBITMQ_LOG_BASE: join(directory, 'log'),
        RABBITMQ_LOGS: '-',
        RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
        RABBITMQ_CONF_ENV_FILE: join(directory, 'rabbitmq-env.conf'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
        // The script becomes the server instead of waiting for it, so that the process that was started is the one measured.
        RABBITMQ_ALLOW_INPUT: '1',
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput -kernel inet_dist_use_interface {127,0,0,1}',
      },
      ready: /Server startup complete/,
      url: `amqp://${host}:${port}`,
      cleanUp: registry.stop,
    };
  },
};

/** The registry of Erlang nodes. Without one RabbitMQ would start one that outlives it. @param {number} port */
async function startRegistry(port) {
  const child = spawn('epmd', ['-address', host, '-port', String(port)], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await eventually('epmd listens', () => isListening(host, port));
  return {
    stop() {
      child.kill();
      return ended;
    },
  };
}

/**
 * @param {(directory: string) => Promise<unknown>} prepare
 * @returns {import('../programs.mjs').Program}
 */
function nats(prepare) {
  return {
    protocol: 'nats',
    acks: true,
    needs: { commands: ['nats-server'], package: 'nats-server' },
    launch: async ({ directory }) => {
      await prepare(directory);
      const port = await freePort();
      return {
        command: ['nats-server', '--addr', host, '--port', String(port), '--jetstream', '--store_dir', directory],
        ready: /Server is ready/,
        url: `nats://${host}:${port}`,
      };
    },
  };
}

/**
 * Makes every write to a file of the directory a flushed one, so that a stored message is on disk before it is confirmed.
 * nats-server has `sync_interval: always` for that from 2.10 on; Debian 12 has 2.9.
 * @param {string} directory
 */
async function writeThrough(directory) {
  try {
    await promisify(execFile)('chattr', ['+S', directory]);
  } catch (error) {
    throw new Error(`${directory} takes no \`chattr +S\`; set TMPDIR to an ext4 directory`, { cause: error });
  }
}

/** @type {Record<string, import('../programs.mjs').Program>} */
export const peerPrograms = { redis, rabbitmq, nats: nats(async () => {}), 'nats-sync': nats(writeThrough) };
