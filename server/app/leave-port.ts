/** A port that several processes accept on, one of which leaves: what deploy/one-port.mjs does without a proxy. */
import { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import type { FastifyInstance } from 'fastify';

export interface SharedPort {
  /**
   * Takes no new connection, asks WebSockets to move, and answers on kept connections as long as somebody may use them: each is told
   * to close with its next answer. Resolves when nobody is left, or when who is left has had its time.
   */
  leave(): Promise<void>;
}

/** Told to clients, who then no longer use a connection that is about to be closed. */
const toldS = 5;

/** How long a connection is kept in truth: a client's clock and the way here take time too, and what it sends last must not meet an end. */
const keepAliveMs = (toldS + 3) * 1_000;
const pollMs = 50;

/** Before `app` listens. `handOver` asks all connections to move. */
export function sharePort(app: FastifyInstance, handOver: () => void): SharedPort {
  let isLeaving = false;
  app.server.keepAliveTimeout = keepAliveMs;
  app.addHook('onSend', (request, reply, payload, done) => {
    if (isLeaving) void reply.header('connection', 'close');
    // Who is refused in the middle of what it sends is closed on, and an upgrade that is refused as well.
    else if (reply.raw.shouldKeepAlive && !reply.hasHeader('connection') && !request.ws)
      void reply.header('connection', 'keep-alive').header('keep-alive', `timeout=${toldS}`);
    done(null, payload);
  });
  const count = (): Promise<number> =>
    new Promise((resolve) => {
      app.server.getConnections((_error, connections) => resolve(connections));
    });
  return {
    leave: async () => {
      isLeaving = true;
      // Not the HTTP server's: it would cut idle connections at once, and with them requests that are on their way.
      Server.prototype.close.call(app.server);
      handOver();
      for (let waitedMs = 0; waitedMs < keepAliveMs && (await count()) > 0; waitedMs += pollMs)
        await delay(pollMs);
    },
  };
}
