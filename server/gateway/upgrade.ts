/** Where sockets come in: the WebSocket of a session stands at the URL of its snapshot. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import websocket from '@fastify/websocket';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as v from 'valibot';
import type { RawData, WebSocket } from 'ws';

import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { idSchema } from '../../shared/protocol/frames.ts';
import { helloTimeoutMs, type Limits } from '../../shared/protocol/limits.ts';
import { subprotocols } from '../../shared/protocol/version.ts';
import type { ConnectionCounts } from '../admission/connection-counts.ts';
import type { ConnectionParts } from './connection-parts.ts';
import { Connection } from './connection.ts';
import type { Greeting } from './greeting-counts.ts';

export interface UpgradeParts extends ConnectionParts {
  /** Every open connection, for drain and metrics. */
  readonly connections: Set<Connection>;
  /** A connection ended, with that code. */
  readonly closed: (code: number, greeting: Greeting) => void;
  readonly path: string;
  /** Answers instead of serving, while this instance takes nobody any more; undefined lets the request in. */
  readonly refusal: (reply: FastifyReply) => FastifyReply | undefined;
  readonly counts: ConnectionCounts;
  /** Answers an upgrade that is one too many, or that no route takes. */
  readonly refuseUpgrade: (reply: FastifyReply, why: 'address' | 'instance' | 'no-route') => void;
  /** The plain GET of the same URL. */
  readonly read: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
}

const pathParams = v.object({ session_id: idSchema, client_id: idSchema });

/** Before everything else: hooks that answer an upgrade need it to end the socket afterwards. */
export async function installWebSockets(app: FastifyInstance, limits: Limits): Promise<void> {
  // Once a request asks for an upgrade, the time-outs of HTTP end for its socket. `ws` clears this one when it takes it over.
  app.server.on('upgrade', (_request, socket: Socket) => {
    socket.setTimeout(helloTimeoutMs, () => socket.destroy());
  });
  await app.register(websocket, {
    options: {
      maxPayload: limits.frame_bytes_max,
      // Compression is off: it costs twice the CPU and fragments memory, for frames of a hundred bytes, and a small frame could
      // unfold into a large one. [F6]
      perMessageDeflate: false,
      // Browsers fail a connection whose subprotocols are all ignored, and then cannot see why. The first one offered is
      // confirmed, and the connection closed with a code that says it. [H1]
      handleProtocols: (offered) =>
        subprotocols.find((known) => offered.has(known)) ?? [...offered][0] ?? false,
    },
    errorHandler: (error, socket) => reportSocketError(error, socket, app.log),
    // The drain closes connections; the default would cut all of them at once, without a code.
    preClose: (done) => done(),
  });
}

export function installUpgrade(app: FastifyInstance, parts: UpgradeParts): void {
  // The library would log such a request with its query, which may hold anything, and close it without an answer.
  app.addHook('onRequest', (request, reply, next) => {
    if (request.ws && request.routeOptions.url !== parts.path)
      parts.refuseUpgrade(reply, 'no-route');
    else next();
  });
  const responses = new WeakMap<FastifyRequest, ServerResponse>();
  app.route({
    method: 'GET',
    url: parts.path,
    onRequest: (request, reply, next) => {
      responses.set(request, reply.raw);
      if (parts.refusal(reply) !== undefined) return;
      const excess = request.ws ? parts.counts.excess(request.ip) : undefined;
      if (excess === undefined) next();
      else parts.refuseUpgrade(reply, excess);
    },
    handler: (request, reply) => parts.read(request, reply),
    wsHandler: (socket, request) => {
      forgetRequest(socket, responses.get(request));
      // Without a listener an error of the socket (an oversized frame, a reset) would end the process. What follows it is 'close'.
      socket.on('error', (error) => reportSocketError(error, socket, app.log));
      accept(socket, request, parts);
    },
  });
}

/** What a client does to its socket or its frames has a code, ends in 'close', and is no fault of ours: anybody could fill the log. */
function reportSocketError(
  error: Error & { readonly code?: unknown },
  socket: WebSocket,
  log: FastifyBaseLogger,
): void {
  if (typeof error.code === 'string') {
    log.debug({ reason: error.code }, 'a socket failed');
    return;
  }
  log.error({ err: error }, 'a connection failed');
  socket.terminate();
}

/**
 * The request that became the socket has 4 KiB, and two would hold it for hours: the socket, by the answer that was never given, and
 * the library's listener for errors, in whose place the caller puts another one.
 */
function forgetRequest(socket: WebSocket, response: ServerResponse | undefined): void {
  if (response?.socket) response.detachSocket(response.socket);
  socket.removeAllListeners('error');
}

function accept(socket: WebSocket, request: FastifyRequest, parts: UpgradeParts): void {
  socket.on('close', parts.counts.enter(request.ip));
  const ids = v.safeParse(pathParams, request.params);
  if (!ids.success) {
    socket.close(closeCodes.unknownSession, 'session-unknown: ids are 22-36 of A-Z a-z 0-9 _ -');
    return;
  }
  if (!subprotocols.some((known) => known === socket.protocol)) {
    socket.close(closeCodes.unsupportedVersion, `version-unsupported: ${subprotocols.join(', ')}`);
    return;
  }
  const { session_id: sessionId, client_id: clientId } = ids.output;
  const route = request.headers['x-route'];
  const below = request.raw.socket;
  const connection = new Connection(
    socket,
    {
      sessionId,
      clientId,
      route: typeof route === 'string' ? route : undefined,
      inOneWrite: (work) => {
        below.cork();
        try {
          work();
        } finally {
          below.uncork();
        }
      },
    },
    parts,
  );
  parts.connections.add(connection);
  socket.on('message', (bytes, isBinary) => {
    // Binary frames are for a later encoding; as text they are not a frame, and answered so. [H7]
    connection.receive(isBinary ? '' : textOf(bytes));
  });
  socket.on('close', (code) => {
    parts.closed(code, connection.greeting);
    connection.gone();
    parts.connections.delete(connection);
  });
}

/** Unless it is told otherwise `ws` gives a whole Buffer, which is read where it lies: a copy would be garbage of every frame. */
function textOf(bytes: RawData): string {
  if (Buffer.isBuffer(bytes)) return bytes.toString('utf8');
  return (Array.isArray(bytes) ? Buffer.concat(bytes) : Buffer.from(bytes)).toString('utf8');
}
