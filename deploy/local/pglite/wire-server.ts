/** PGlite behind a socket: many clients of the Postgres wire protocol share one embedded database. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import type { PGlite } from '@electric-sql/pglite';

import { createBackend, type Backend } from './backend.ts';
import { serveClient } from './serve-client.ts';
import { cString, decodeMessages, encodeFatal } from './wire-bytes.ts';

/** As in a Postgres nobody configured. */
const connectionsMax = 100;
const defaultIdleInTransactionMs = 10_000;

/** A server that takes connections. */
export interface RunningWireServer {
  /** The one backend, for work beside the clients'. */
  readonly backend: Backend;
  /** Ends all connections, rolls open transactions back and stops listening. PGlite stays open. */
  close(): Promise<void>;
}

export interface WireServerOptions {
  /** Silence of a client inside a transaction, ms, before it is put out. Default 10 000. */
  readonly idleInTransactionMs?: number;
}

/** Listens on a Unix socket. `database` must not be used by anybody else from here on. Throws what `listen` reports. */
export async function startWireServer(
  database: PGlite,
  socketPath: string,
  options: WireServerOptions = {},
): Promise<RunningWireServer> {
  const backend = createBackend(database);
  const context = {
    backend,
    parameters: await readParameters(database),
    idleInTransactionMs: options.idleInTransactionMs ?? defaultIdleInTransactionMs,
  };
  const served = new Map<Socket, Promise<void>>();
  let lastNumber = 0;
  const server = createServer((socket) => {
    if (served.size >= connectionsMax) {
      socket.on('error', () => {});
      socket.end(encodeFatal('53300', 'sorry, too many clients already'));
      return;
    }
    lastNumber += 1;
    const done = serveClient(context, socket, lastNumber).finally(() => served.delete(socket));
    served.set(socket, done);
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    backend,
    close: async () => {
      server.close();
      for (const socket of served.keys()) socket.destroy();
      await Promise.all(served.values());
    },
  };
}

/** What PGlite tells a client that connects. */
async function readParameters(database: PGlite): Promise<ReadonlyMap<string, string>> {
  const words = ['user', 'postgres', 'database', 'postgres', ''].map(cString);
  const body = Buffer.concat([Buffer.from([0, 3, 0, 0]), ...words]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  const pieces: Buffer[] = [];
  await database.execProtocolRawStream(Buffer.concat([length, body]), {
    onRawData: (bytes) => pieces.push(Buffer.from(bytes)),
  });
  const told = [...decodeMessages(Buffer.concat(pieces))].filter(({ type }) => type === 'S');
  return new Map(
    told.map(({ body }) => {
      const [name = '', value = ''] = body.toString('utf8').split('\0');
      return [name, value];
    }),
  );
}
