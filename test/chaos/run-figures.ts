/** Adds up what a run came to. */
import type { Device } from './device.ts';
import type { ChaosReport, ReportedFinding } from './report.ts';
import type { SessionRun } from './session-run.ts';
import type { World } from './world.ts';

export interface RunFigures extends Pick<
  ChaosReport,
  'minutes' | 'storms' | 'awayMs' | 'checkpointsVerified' | 'longestHealingMs' | 'drainsOverrun'
> {
  readonly options: Pick<ChaosReport, 'seed' | 'withRedis'>;
  readonly world: World;
  readonly sessions: readonly SessionRun[];
  /** By kind. */
  readonly faults: ReadonlyMap<string, number>;
  readonly wrong: Pick<ChaosReport['commands'], 'lost' | 'doubled' | 'reordered'>;
  readonly findings: readonly ReportedFinding[];
}

export function reportOf({
  options: { seed, withRedis },
  world,
  sessions,
  faults,
  wrong,
  ...figures
}: RunFigures): ChaosReport {
  const devices = sessions.flatMap((session) => session.devices);
  const sum = (of: (device: Device) => number): number =>
    devices.reduce((total, device) => total + of(device), 0);
  const standing = sum(({ given }) => given.standingCount);
  return {
    ...figures,
    seed,
    withRedis,
    sessions: sessions.length,
    devices: devices.length,
    faults: Object.fromEntries([...faults].toSorted(([one], [other]) => (one < other ? -1 : 1))),
    commands: {
      sent: standing,
      accepted: sum(({ given }) => given.acceptedCount),
      checkpointed: sum(({ given }) => given.checkpointedCount),
      ...wrong,
    },
    voided: sum(({ given }) => given.voided.size),
    devicesKilled: sum(({ killCount }) => killCount),
    longestStallMs: Math.max(0, ...devices.map(({ given }) => given.longestStallMs)),
    rebuilt: sessions.reduce((total, { rebuiltCount }) => total + rebuiltCount, 0),
    pageLoads: sum(({ reloadCount }) => reloadCount),
    reconnects: sum(({ ear }) => Math.max(0, ear.welcomeCount - 1)),
    fenced: { redis: world.fenced.redis.count, postgres: world.fenced.postgres.count },
    closeCodes: closeCodesOf(devices),
    errorsLogged: world.stations.reduce((total, { instance }) => total + instance.errorCount, 0),
    clientWarnings: sessions.reduce((total, { warningCount }) => total + warningCount, 0),
  };
}

function closeCodesOf(devices: readonly Device[]): Record<string, number> {
  const closeCodes: Record<string, number> = {};
  for (const { ear } of devices)
    for (const [code, count] of ear.closeCounts) closeCodes[code] = (closeCodes[code] ?? 0) + count;
  return closeCodes;
}
