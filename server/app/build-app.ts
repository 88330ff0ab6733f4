/** The workout app's server: the framework with one session kind, and the page. */
import fastifyStatic from '@fastify/static';
import Fastify, { LogController, type FastifyInstance } from 'fastify';

import { workout } from '../../shared/workout/workout.ts';
import type { Config } from '../config.ts';
import { logSettings } from '../telemetry/log-settings.ts';
import { trackstand } from '../trackstand.ts';

export interface AppParts {
  /** Folder of the built page, when there is one. */
  readonly page?: string | undefined;
  /** Takes what to call when connections are to be handed over. */
  readonly onHandOver?: (start: () => void) => void;
}

/** Not listening yet. */
export async function buildApp(
  config: Config,
  { page, onHandOver }: AppParts = {},
): Promise<FastifyInstance> {
  const app = Fastify({
    logger: logSettings(config.logLevel),
    // A log line per request would cost more than most requests here.
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    // Only a proxy can reach a Unix socket, and there it has no address.
    trustProxy: config.socketPath === undefined ? '127.0.0.1' : (_address, hop) => hop === 0,
  });
  const { drainNoticeMs: noticeMs, drainMovesPerS: movesPerS, drainGraceMs: graceMs } = config;
  const { archiveAfterMs, abandonedAfterMs, tombstoneMs } = config;
  await app.register(trackstand, {
    sessions: [workout],
    postgres: config.databaseUrl,
    redis: config.redisUrl,
    secret: config.secret,
    publicUrl: config.publicUrl,
    release: config.release,
    checkpointMs: config.checkpointMs,
    detachedGraceMs: config.detachedGraceMs,
    drain: { noticeMs, movesPerS, graceMs },
    endOfLife: { archiveAfterMs, abandonedAfterMs, tombstoneMs },
    socketPath: config.socketPath,
    onHandOver,
  });
  if (page !== undefined) await app.register(fastifyStatic, { root: page });
  return app;
}
