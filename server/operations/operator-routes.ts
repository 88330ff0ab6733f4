/** What the operators' page shows, of every instance at once. For anybody else it is not there. */
import type { FastifyInstance } from 'fastify';

import { isoTime, type Clock } from '../../shared/clock.ts';
import { sendProblem } from '../http/problem.ts';
import type { InstanceBook } from '../store/instances.ts';
import { lastDeployNotes } from './deploy-log.ts';
import { readReport } from './reports.ts';

export interface OperatorParts {
  /** By the Authorization header. Rejects with StoreUnavailableError. */
  readonly isOperator: (authorization: string | undefined) => Promise<boolean>;
  readonly instances: InstanceBook;
  readonly clock: Clock;
  /** Of this instance. */
  readonly place: string;
  /** Path of rolling.sh's audit log, where it is known. */
  readonly deployLog: string | undefined;
  readonly backupAgeMs: () => number | undefined;
}

/** Lines of the deploy log that are shown. */
const deployNotesMax = 30;

export function installOperatorRoutes(app: FastifyInstance, parts: OperatorParts): void {
  const { isOperator, instances, clock, place, deployLog } = parts;
  app.get('/v1/operator', async (request, reply) => {
    if (!(await isOperator(request.headers.authorization))) return sendProblem(reply, 'not-found');
    const [noted, deploys] = await Promise.all([
      instances.list(),
      deployLog === undefined ? null : lastDeployNotes(deployLog, deployNotesMax),
    ]);
    return reply.send({
      now: isoTime(clock.nowMs()),
      here: place,
      backup_age_ms: parts.backupAgeMs() ?? null,
      instances: noted.map(({ report, startedMs, silentMs, ...instance }) => ({
        ...instance,
        started_at: isoTime(startedMs),
        silent_ms: Math.round(silentMs),
        ...readReport(report),
      })),
      deploys,
    });
  });
}
