/** The workout app's server: the framework with one session kind, accounts, and the page. */
import { hostname } from 'node:os';
import { basename } from 'node:path';

import fastifyStatic from '@fastify/static';
import Fastify, { LogController, type FastifyInstance } from 'fastify';

import { workout } from '../../shared/workout/workout.ts';
import type { AccountRoom } from '../accounts/account-room.ts';
import { accounts } from '../accounts/accounts.ts';
import { ConfigError, type Config } from '../config.ts';
import { intervalsRoom } from '../intervals/intervals.ts';
import { workoutLibrary } from '../library/library.ts';
import { logSettings } from '../telemetry/log-settings.ts';
import { installProblems, serverOptions, trackstand } from '../trackstand.ts';
import { installPageHeaders } from './page-headers.ts';

export interface AppParts {
  /** Folder of the built page, when there is one. */
  readonly page?: string | undefined;
  /** Takes what to call when connections are to be handed over. */
  readonly onHandOver?: (start: () => void) => void;
}

/** Undefined where the port is any free one: nobody else could come to be in the same place. */
function placeOf({ socketPath, port }: Config): string | undefined {
  if (socketPath !== undefined) return `${hostname()}:${basename(socketPath, '.sock')}`;
  return port === 0 ? undefined : `${hostname()}:${port}`;
}

const firstHop = (_address: string, hop: number): boolean => hop === 0;

/** Not listening yet. */
export async function buildApp(
  config: Config,
  { page, onHandOver }: AppParts = {},
): Promise<FastifyInstance> {
  const app = Fastify({
    logger: logSettings(config.logLevel),
    // A log line per request would cost more than most requests here.
    logController: new LogController({ disableRequestLogging: true }),
    ...serverOptions({ trustedProxies: config.trustedProxies, hasSchemas: false }),
    // Only a proxy can reach a Unix socket, and there it has no address.
    ...(config.socketPath === undefined ? {} : { trustProxy: firstHop }),
  });
  const { drainNoticeMs: noticeMs, drainMovesPerS: movesPerS, drainGraceMs: graceMs } = config;
  const { archiveAfterMs, abandonedAfterMs, tombstoneMs } = config;
  const { connectionsMax, connectionsPerAddressMax, connectionsPerOwnerMax, sessionsPerHourMax } =
    config;
  await app.register(trackstand, {
    sessions: [workout],
    postgres: config.databaseUrl,
    redis: config.redisUrl,
    secret: config.secrets,
    publicUrl: config.publicUrl,
    allowedOrigins: config.allowedOrigins,
    bounds: {
      connectionsMax,
      connectionsPerAddressMax,
      connectionsPerOwnerMax,
      sessionsPerHourMax,
    },
    release: config.release,
    place: placeOf(config),
    metrics: config.metrics,
    deployLog: config.deployLog,
    checkpointMs: config.checkpointMs,
    detachedGraceMs: config.detachedGraceMs,
    drain: { noticeMs, movesPerS, graceMs },
    endOfLife: { archiveAfterMs, abandonedAfterMs, tombstoneMs },
    socketPath: config.socketPath,
    onHandOver,
    owners: accounts({
      postgres: config.databaseUrl,
      secrets: config.secrets,
      publicUrl: config.publicUrl,
      hashCost: config.hashCost,
      mail: mailOf(config),
      rooms: [workoutLibrary(), ...intervalsOf(config)],
    }),
  });
  installProblems(app);
  // Fastify's own answer repeats the address, and its log line has the query.
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain').send('There is nothing here.'),
  );
  if (page !== undefined)
    await app.register(async (below) => {
      installPageHeaders(below, config.publicUrl?.startsWith('https:') ?? false);
      await below.register(fastifyStatic, { root: page });
    });
  return app;
}

function intervalsOf({ intervalsUrl }: Config): readonly AccountRoom[] {
  return intervalsUrl === undefined ? [] : [intervalsRoom(intervalsUrl)];
}

/** A link in a mail must not lead to wherever the request that caused it said it was sent. */
function mailOf({ mailUrl, mailFrom, publicUrl }: Config) {
  if (mailUrl === undefined) return undefined;
  if (mailUrl !== 'log:' && publicUrl === undefined)
    throw new ConfigError(['PUBLIC_URL is not set: mails could not say where to go.']);
  return { url: mailUrl, from: mailFrom };
}
