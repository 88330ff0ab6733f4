/** Listening, last of all: whoever can connect is served. */
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';

import type { FastifyInstance } from 'fastify';

import type { Config } from '../config.ts';
import { listenBacklog } from '../trackstand.ts';

/** Rejects with one sentence when something else listens there. */
export async function listen(app: FastifyInstance, config: Config): Promise<void> {
  const { socketPath: path, host, port } = config;
  if (path === undefined) {
    await app.listen({ host, port, backlog: listenBacklog });
    return;
  }
  // The file of a socket outlives a process that was killed, and would be in the way.
  if (await isServed(path)) throw new Error(`Another process listens on ${path}.`);
  await rm(path, { force: true });
  // Proxy and server run as different users; the folder says who may come in.
  await app.listen({ path, readableAll: true, writableAll: true, backlog: listenBacklog });
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
