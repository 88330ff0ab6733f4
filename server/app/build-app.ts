/** The workout app's server: the framework with one session kind, and the page. */
import fastifyStatic from '@fastify/static';
import Fastify, { LogController, type FastifyInstance } from 'fastify';

import { workout } from '../../shared/workout/workout.ts';
import type { Config } from '../config.ts';
import { logSettings } from '../telemetry/log-settings.ts';
import { trackstand } from '../trackstand.ts';

/** `page`: folder of the built page, when there is one. Not listening yet. */
export async function buildApp(config: Config, page: string | undefined): Promise<FastifyInstance> {
  const app = Fastify({
    logger: logSettings(config.logLevel),
    // A log line per request would cost more than most requests here.
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    trustProxy: '127.0.0.1',
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
  });
  if (page !== undefined) await app.register(fastifyStatic, { root: page });
  return app;
}
