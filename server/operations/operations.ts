/** What operators see of an instance: its metrics, and what it tells the others of itself. */
import type { FastifyInstance } from 'fastify';

import { greetingCounts, type GreetingCounts } from '../gateway/greeting-counts.ts';
import { countRequests, type RequestCounts } from '../http/request-counts.ts';
import { zeroSessionCounts, type SessionCounts } from '../session/session-counts.ts';
import type { InstanceBook } from '../store/instances.ts';
import { codeCounts, type CodeCounts } from '../telemetry/code-counts.ts';
import { watchProcess, type ProcessWatch } from '../telemetry/process-figures.ts';
import { countedCloseCodes, readFigures, type FigureParts } from './figures.ts';
import { createHeartbeat } from './heartbeat.ts';
import { listenForMetrics, type MetricsAddress } from './metrics-listener.ts';
import { metricsOf } from './metrics.ts';
import { installOperatorRoutes, type OperatorParts } from './operator-routes.ts';
import { reportOf } from './reports.ts';

/** What is counted from the beginning, by those who do what is counted. */
export interface Watches {
  readonly counts: SessionCounts;
  readonly process: ProcessWatch;
  readonly requests: RequestCounts;
  readonly closes: CodeCounts;
  readonly greetings: GreetingCounts;
}

/** Before the routes: requests are counted for those that come after it. */
export function watchInstance(app: FastifyInstance): Watches {
  return {
    counts: zeroSessionCounts(),
    process: watchProcess(),
    requests: countRequests(app),
    closes: codeCounts(countedCloseCodes),
    greetings: greetingCounts(),
  };
}

export interface OperationsParts extends Omit<FigureParts, 'backupAgeMs'> {
  /** Absent where nobody collects metrics. */
  readonly metrics: MetricsAddress | undefined;
  readonly instances: InstanceBook | undefined;
  readonly place: string;
  readonly deployLog: string | undefined;
  /** Absent where nobody can sign in as an operator. */
  readonly isOperator: OperatorParts['isOperator'] | undefined;
}

const nothing = (): Promise<void> => Promise.resolve();

/** Tells and shows from the moment the instance is ready; returns what ends it, for when it has drained and before its stores close. */
export function installOperations(
  app: FastifyInstance,
  parts: OperationsParts,
): () => Promise<void> {
  const { metrics, instances, clock, process } = parts;
  let backup: { readonly atMs: number } | undefined;
  const backupAgeMs = () => backup && clock.elapsedMs() - backup.atMs;
  const figures = () => readFigures({ ...parts, backupAgeMs });
  const heartbeat = createHeartbeat({
    clock,
    report: () => {
      process.turn();
      return reportOf(figures());
    },
    note: async (report) => {
      const told = await instances?.beat(report);
      backup =
        told?.backupAgeMs === undefined
          ? undefined
          : { atMs: clock.elapsedMs() - told.backupAgeMs };
    },
    reportError: (error) => app.log.error({ err: error }, 'the heartbeat failed'),
  });
  const { isOperator, place, deployLog } = parts;
  if (isOperator !== undefined && instances !== undefined)
    installOperatorRoutes(app, { isOperator, instances, clock, place, deployLog, backupAgeMs });
  let closeMetrics = nothing;
  app.addHook('onReady', async () => {
    // Once what else is to be made ready is.
    clock.after(0, heartbeat.start);
    if (metrics === undefined) return;
    const listener = await listenForMetrics(metrics, () => metricsOf(figures()));
    if (listener === undefined) app.log.warn(metrics, 'every port for metrics is taken');
    else closeMetrics = listener.close;
  });
  app.addHook('preClose', (done) => {
    // Once the drain has begun: the page shows it.
    clock.after(0, () => void heartbeat.beat());
    done();
  });
  return async () => {
    await heartbeat.stop();
    await closeMetrics();
    process.stop();
    // While Postgres is away it is not noted, and this instance counts as in use for a while.
    await instances?.leave().catch(() => {});
  };
}
