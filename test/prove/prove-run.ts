/** Deploys one after the other on a machine under load, and counts what users would have noticed. */
import { startDeployHost, type DeployHost } from '../support/deploy-host.ts';
import { startPostgres } from '../support/services/postgres-service.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { startLoad, type Load } from './load.ts';
import { badCount, type DeployRow, type ProofReport } from './report.ts';
import { startRideAlong, type RideAlong } from './ride-along.ts';
import { slowPage } from './slow-page.ts';
import { ratesOf } from './under-load.ts';

export interface ProofPlan {
  readonly repository: string;
  readonly verdictFile: string;
  readonly serverFile: string;
  readonly commandsFile?: string;
  readonly deployCount: number;
  /** Deploys go on until there were that many requests and commands too. */
  readonly requestCount?: number;
  readonly commandCount?: number;
  readonly sessionCount: number;
  /** Of all sessions together. */
  readonly commandsPerS: number;
  /** As in `Use`. */
  readonly requestsPerS: number;
  /** Seconds an instance must be healthy, and is watched under traffic. */
  readonly holdS: number;
  readonly say: (line: string) => void;
}

/** Requests a second that take a second. */
const slowPerS = 5;

/** Load and deploys share two cores here, so a fresh instance may be slow without being bad. */
const slowerByMs = 2_000;

/** Of rolling.sh, for the deploys one after the other. */
export const settingsOf = ({ holdS }: Pick<ProofPlan, 'holdS'>) =>
  ({ HEALTHY_S: holdS, SOAK_S: holdS, READY_DEADLINE_S: 60, SLOWER_BY_MS: slowerByMs }) as const;

export async function prove(plan: ProofPlan): Promise<ProofReport> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());
    const redis = await startRedis();
    stops.push(() => redis.stop());
    const host = await startDeployHost({
      repository: plan.repository,
      verdictFile: plan.verdictFile,
      serverFile: plan.serverFile,
      commandsFile: plan.commandsFile,
      postgres: postgres.url,
      redis: redis.url,
      settings: settingsOf(plan),
      instanceSettings: { CHECKPOINT_MS: 1_000, DRAIN_MOVES_PER_S: 100, DRAIN_GRACE_MS: 30_000 },
    });
    stops.push(() => host.stop());
    return await proveOn(host, plan, postgres.url);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

const sentCount = ({ tallies }: Load): number =>
  Object.values(tallies).reduce((sum, { sent }) => sum + sent, 0);

async function proveOn(host: DeployHost, plan: ProofPlan, postgres: string): Promise<ProofReport> {
  const names = ['r1', 'r2'];
  for (const name of names) await host.release(name, slowPage);
  const first = await host.rolling('deploy', 'r1');
  if (first.code !== 0) throw new Error(`The first deploy failed:\n${first.said}`);
  const rides = await startRideAlong(host.url, plan.sessionCount, plan.commandsPerS);
  const startMs = performance.now();
  const load = startLoad(host.url, ratesOf({ ...plan, sessions: plan.sessionCount, slowPerS }));
  try {
    const deploys = await deployUntilEnough(plan, { host, names, rides, load });
    await load.stop();
    const commandCount = rides.commandCount();
    const differingCount = await rides.finish(postgres);
    return {
      seconds: (performance.now() - startMs) / 1000,
      deploys,
      tallies: load.tallies,
      sessionCount: plan.sessionCount,
      commandCount,
      differingCount,
      gapsMs: rides.gapsMs,
    };
  } finally {
    rides.stop();
    await load.stop();
  }
}

interface Scene {
  readonly host: DeployHost;
  /** Of releases, deployed in turn; the first one serves. */
  readonly names: readonly string[];
  readonly rides: RideAlong;
  readonly load: Load;
}

async function deployUntilEnough(
  plan: ProofPlan,
  { host, names, rides, load }: Scene,
): Promise<DeployRow[]> {
  const deploys: DeployRow[] = [];
  const startMs = performance.now();
  rides.takeMoves();
  const progress = (): readonly (readonly [done: number, wanted: number])[] => [
    [deploys.length, plan.deployCount],
    [sentCount(load), plan.requestCount ?? 0],
    [rides.commandCount(), plan.commandCount ?? 0],
  ];
  while (progress().some(([done, wanted]) => done < wanted)) {
    const release = names[(deploys.length + 1) % names.length] ?? '';
    const beganMs = performance.now();
    const { code, said } = await host.rolling('deploy', release);
    const row = {
      op: `deploy ${release}`,
      seconds: (performance.now() - beganMs) / 1000,
      exitCode: code,
      moves: rides.takeMoves(),
    };
    deploys.push(row);
    const [count, requests, commands] = progress().map(([done]) => done);
    const leftMs = Math.max(
      ...progress().map(
        ([done, wanted]) => ((performance.now() - startMs) / done) * (wanted - done),
      ),
      0,
    );
    const failed = Object.values(load.tallies).reduce((sum, tally) => sum + badCount(tally), 0);
    plan.say(
      `deploy ${count}: ${row.seconds.toFixed(1)} s; ${requests} requests, ${failed} failed; ${commands} commands; ${rides.gapsMs.length} gaps; about ${(leftMs / 60_000).toFixed(1)} min left`,
    );
    if (code !== 0) plan.say(said);
  }
  return deploys;
}
