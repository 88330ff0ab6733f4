/** A real server on real stores in this process, for tests that look at what goes over the wire. */
import type { AddressInfo } from 'node:net';

import Fastify, { type FastifyInstance } from 'fastify';

import { logSettings } from '../../server/telemetry/log-settings.ts';
import { serverOptions, trackstand, type TrackstandOptions } from '../../server/trackstand.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { freshPostgres, freshRedis } from './services/shared-services.ts';
import { tally } from './tally.ts';

export const testSecret = 'a secret of thirty-two characters or more';

export interface LiveServer {
  readonly url: string;
  readonly app: FastifyInstance;
  /** Log lines so far. */
  readonly log: readonly string[];
  readonly stores: { readonly postgres: string; readonly redis: string | undefined };
  stop(): Promise<void>;
}

export async function startServer(
  options: Partial<TrackstandOptions> & {
    readonly withoutRedis?: boolean;
    readonly http?: Parameters<typeof serverOptions>[0];
  } = {},
): Promise<LiveServer> {
  const { withoutRedis = false, http, ...rest } = options;
  const postgres = options.postgres ?? (await freshPostgres()).url;
  const redis = withoutRedis ? undefined : (options.redis ?? (await freshRedis()).url);
  const log: string[] = [];
  const app = Fastify({
    logger: { ...logSettings('info'), stream: { write: (line: string) => void log.push(line) } },
    ...serverOptions(http),
  });
  const sessions: readonly AnyModel[] = [tally];
  await app.register(trackstand, {
    sessions,
    secret: testSecret,
    checkpointMs: 50,
    drain: { noticeMs: 0, movesPerS: 1_000, graceMs: 200 },
    ...rest,
    postgres,
    redis,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    app,
    log,
    stores: { postgres, redis },
    stop: () => app.close(),
  };
}
