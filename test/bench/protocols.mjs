// What senders and receivers speak. A receiver owns its queue: it makes it in `ready` and removes it in `finish`.
import { AmqpReceiver, AmqpSender } from './peers/amqp.mjs';
import { NatsReceiver, NatsSender } from './peers/nats.mjs';
import { RedisReceiver, RedisSender } from './peers/redis.mjs';
import { Receiver } from './receiver.mjs';
import { SocketLane } from './socket-lane.mjs';

export const protocols = {
  bus: { Sender: SocketLane, Receiver },
  redis: { Sender: RedisSender, Receiver: RedisReceiver },
  amqp: { Sender: AmqpSender, Receiver: AmqpReceiver },
  nats: { Sender: NatsSender, Receiver: NatsReceiver },
};
