/** How the HTTP server of an instance is made: what it takes, how long it waits, whom it believes. Given to `Fastify(…)`. */
import type { Socket } from 'node:net';

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

import { bodyBytesMax, headerBytesMax, slowClientMs } from '../../shared/protocol/limits.ts';
import { problemBody, sendProblem, statusOf, type ProblemCode } from './problem.ts';

export interface ServerOptions {
  /** Addresses and networks whose `X-Forwarded-…` headers count; of others they are ignored. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Milliseconds; see `slowClientMs`. */
  readonly times?: typeof slowClientMs | undefined;
  /** False where no route of the app has a JSON schema: what compiles them takes a tenth of the start, and is left out. */
  readonly hasSchemas?: boolean | undefined;
}

/**
 * For `listen`: connections that wait to be taken, up to the kernel's `somaxconn`. When an instance dies all its clients come to another
 * one within a fifth of a second; where the queue is full a proxy gives up on a Unix socket, and TCP tries again after a second.
 */
export const listenBacklog = 4_096;

/** Options for `Fastify`. Some can only be given when the server is made, which is why the plugin does not set them. [F3] [B11] */
export function serverOptions({
  trustedProxies = [],
  times = slowClientMs,
  hasSchemas = true,
}: ServerOptions = {}) {
  return {
    ...(!hasSchemas && { schemaController: { compilersFactory: noCompilers } }),
    // A migration takes its time; after the default of 10 s the start would be given up in the middle of it.
    pluginTimeout: 0,
    // The drain goes on answering `/livez`.
    return503OnClosing: false,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    bodyLimit: bodyBytesMax,
    requestTimeout: times.request,
    // Without a byte in either direction; a WebSocket has its heartbeat instead.
    connectionTimeout: times.idle,
    http: {
      headersTimeout: times.headers,
      connectionsCheckingInterval: times.check,
      maxHeaderSize: headerBytesMax,
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFrameworkError,
  };
}

const noCompiler = (): never => {
  throw new Error('A route has a JSON schema, and the app was made with `hasSchemas: false`.');
};
const noCompilers = { buildValidator: noCompiler, buildSerializer: noCompiler };

interface ParserError extends Error {
  readonly code?: string;
}

const parserProblems: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
};

/** What came is no request, or did not come in time. The error holds what was read of it, secrets too, and is not logged. */
function answerClientError({ code = '' }: ParserError, socket: Socket): void {
  if (socket.writable && code !== 'ECONNRESET') {
    const problem = parserProblems[code] ?? 'bad-request';
    const body = problemBody(problem);
    socket.write(
      `HTTP/1.1 ${statusOf(problem)} Refused\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy();
}

/** A request that Fastify cannot route: an address that is none. */
function answerFrameworkError(
  _error: FastifyError,
  _request: FastifyRequest,
  reply: FastifyReply,
): void {
  sendProblem(reply, 'bad-request');
}
