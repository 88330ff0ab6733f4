/** A whole run: a world, riders in it, storm after storm, and after each the question whether everything is there once. */
import { delay, systemClock } from '../../shared/clock.ts';
import type { Device } from './device.ts';
import { planStorm } from './fault-plan.ts';
import type { Finding } from './findings.ts';
import { foundMark, History } from './history.ts';
import { PostgresWitness } from './postgres-witness.ts';
import { clockTime, startProgress, type Progress, type Screen } from './progress.ts';
import type { ChaosReport, ReportedFinding } from './report.ts';
import { SessionRun } from './session-run.ts';
import { Storm, type FaultCounts } from './storm.ts';
import { startWorld, type World } from './world.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Sessions; every third has two devices. */
  readonly riderCount: number;
  readonly withRedis: boolean;
  /** Path of the built server. */
  readonly serverFile: string;
  readonly screen: Screen;
}

export interface ChaosOutcome {
  readonly report: ChaosReport;
  /** Everything that was done, line by line, and everything that happened to the session of the first finding. */
  readonly story: readonly string[];
}

/** Milliseconds of a storm, and of riding on afterwards. */
const stormMs = 20_000;
const rideOnMs = 1_000;

/** Milliseconds everything may take to be connected and saved once all faults are over: a client hears of a dead connection after 30 s. */
const healingMsMax = 90_000;

const lookMs = 50;

/** Throws when the run itself fails; what the service does wrong is in the report. Stops early at a finding, or when asked. */
export async function runChaos(
  options: ChaosOptions,
  stopping: AbortSignal,
): Promise<ChaosOutcome> {
  const history = new History();
  const world = await startWorld({ ...options, history });
  const run = new ChaosRun(options, world, history);
  try {
    await run.perform(stopping);
    return run.outcome();
  } finally {
    await run.stop();
    await world.stop();
  }
}

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #world: World;
  readonly #history: History;
  readonly #witness: PostgresWitness;
  readonly #findings: ReportedFinding[] = [];
  readonly #sessions: SessionRun[] = [];
  readonly #counts: FaultCounts = new Map();
  readonly #progress: Progress;
  readonly #totals = { lost: 0, doubled: 0, reordered: 0 };
  #storm: Storm | undefined;
  #stormCount = 0;
  #drainsOverrun = 0;
  #longestHealingMs = 0;

  constructor(options: ChaosOptions, world: World, history: History) {
    this.#options = options;
    this.#world = world;
    this.#history = history;
    this.#witness = new PostgresWitness(world.postgres.url, (finding) => this.#find(finding));
    this.#progress = startProgress(options.screen, () => this.#describe());
  }

  async perform(stopping: AbortSignal): Promise<void> {
    const { seed, durationMs, withRedis } = this.#options;
    await this.#startSessions();
    const storm = this.#openStorm();
    const endMs = this.#history.elapsedMs() + durationMs;
    const isOver = (): boolean => this.#findings.length > 0 || stopping.aborted;
    while (!isOver() && this.#history.elapsedMs() < endMs) {
      this.#stormCount += 1;
      const lengthMs = Math.min(stormMs, endMs - this.#history.elapsedMs());
      const plan = planStorm(seed, this.#stormCount, { lengthMs, withRedis });
      this.#history.add(`storm ${this.#stormCount}`);
      for (const device of this.#devices) device.goOn();
      await storm.rage(plan, isOver);
      if (!isOver()) await this.#settle(isOver);
    }
  }

  outcome(): ChaosOutcome {
    const [first] = this.#findings;
    const story =
      first === undefined ? this.#history.lines : this.#history.around(first.sessionName);
    return { report: this.#report(), story };
  }

  async stop(): Promise<void> {
    this.#progress.stop();
    for (const device of this.#devices) device.stop();
    await this.#witness.stop();
  }

  get #devices(): readonly Device[] {
    return this.#sessions.flatMap(({ devices }) => devices);
  }

  async #startSessions(): Promise<void> {
    const { riderCount, seed } = this.#options;
    for (let number = 0; number < riderCount; number++)
      this.#sessions.push(
        await SessionRun.start({
          number,
          deviceCount: number % 3 === 2 ? 2 : 1,
          seed,
          world: this.#world,
          history: this.#history,
          witness: this.#witness,
          found: (finding, name) => this.#find(finding, name),
        }),
      );
  }

  #openStorm(): Storm {
    const scene = {
      world: this.#world,
      devices: this.#devices,
      busy: new Set<'redis' | 'postgres'>(),
      backup: { isThere: false },
      overran: (what: string) => {
        this.#drainsOverrun += 1;
        this.#history.add(`the drain of ${what} had to be ended by force`);
      },
    };
    this.#storm = new Storm(scene, this.#history, this.#counts);
    return this.#storm;
  }

  /** Everybody rides on, then rests; all must come to be saved, and then be right. */
  async #settle(isOver: () => boolean): Promise<void> {
    const beganMs = systemClock.nowMs();
    await delay(systemClock, rideOnMs);
    for (const device of this.#devices) device.rest();
    const deadlineMs = beganMs + healingMsMax;
    while (!this.#sessions.every(({ isSaved }) => isSaved)) {
      if (isOver()) return;
      if (systemClock.nowMs() > deadlineMs) return this.#findUnhealed();
      await delay(systemClock, lookMs);
    }
    this.#longestHealingMs = Math.max(this.#longestHealingMs, systemClock.nowMs() - beganMs);
    this.#history.add('all is saved');
    await this.#witness.caughtUp();
    const verdicts = await Promise.all(this.#sessions.map((session) => session.verify()));
    for (const { lostCount, doubledCount, reorderedCount } of verdicts) {
      this.#totals.lost += lostCount;
      this.#totals.doubled += doubledCount;
      this.#totals.reordered += reorderedCount;
    }
  }

  #findUnhealed(): void {
    for (const session of this.#sessions.filter(({ isSaved }) => !isSaved))
      this.#find(
        {
          kind: 'not-healed',
          sessionId: session.sessionId,
          sentence: `${healingMsMax / 1000} s after the storm ${session.describe()}.`,
        },
        session.name,
      );
  }

  #find(finding: Finding, name?: string): void {
    const session = this.#sessions.find(({ sessionId }) => sessionId === finding.sessionId);
    const sessionName = name ?? session?.name ?? '';
    const atMs = this.#history.elapsedMs();
    this.#findings.push({ ...finding, sessionName, atMs });
    this.#history.add(`${foundMark} in ${sessionName}: ${finding.kind}: ${finding.sentence}`);
  }

  #describe(): string {
    const { durationMs } = this.#options;
    const devices = this.#devices;
    const sum = (of: (device: Device) => number): number =>
      devices.reduce((total, device) => total + of(device), 0);
    const online = devices.filter((device) => device.view()?.status === 'connected').length;
    return [
      `${clockTime(this.#history.elapsedMs())}/${clockTime(durationMs)}`,
      `storm ${this.#stormCount}`,
      `faults ${[...this.#counts.values()].reduce((total, count) => total + count, 0)}`,
      `active ${this.#storm?.activeCount ?? 0}`,
      `online ${online}/${devices.length}`,
      `sent ${sum(({ issued }) => issued.length)}`,
      `accepted ${sum(({ acceptedCount }) => acceptedCount)}`,
      `saved ${sum(({ checkpointedCount }) => checkpointedCount)}`,
      `rebuilt ${this.#sessions.reduce((total, { rebuiltCount }) => total + rebuiltCount, 0)}`,
    ].join('  ');
  }

  #report(): ChaosReport {
    const { seed, withRedis } = this.#options;
    const devices = this.#devices;
    const sum = (of: (device: Device) => number): number =>
      devices.reduce((total, device) => total + of(device), 0);
    const closeCodes: Record<string, number> = {};
    for (const { ear } of devices)
      for (const [code, count] of ear.closeCounts)
        closeCodes[code] = (closeCodes[code] ?? 0) + count;
    return {
      seed,
      minutes: this.#history.elapsedMs() / 60_000,
      withRedis,
      sessions: this.#sessions.length,
      devices: devices.length,
      storms: this.#stormCount,
      faults: Object.fromEntries(this.#counts),
      commands: {
        sent: sum(({ issued }) => issued.length),
        accepted: sum(({ acceptedCount }) => acceptedCount),
        checkpointed: sum(({ checkpointedCount }) => checkpointedCount),
        ...this.#totals,
      },
      checkpointsVerified: this.#witness.verifiedCount,
      longestStallMs: Math.max(0, ...devices.map(({ longestStallMs }) => longestStallMs)),
      longestHealingMs: this.#longestHealingMs,
      rebuilt: this.#sessions.reduce((total, { rebuiltCount }) => total + rebuiltCount, 0),
      pageLoads: sum(({ reloadCount }) => reloadCount),
      reconnects: sum(({ ear }) => Math.max(0, ear.welcomeCount - 1)),
      closeCodes,
      drainsOverrun: this.#drainsOverrun,
      errorsLogged: this.#world.stations.reduce(
        (total, { instance }) => total + instance.errorCount,
        0,
      ),
      clientWarnings: this.#sessions.reduce((total, { warningCount }) => total + warningCount, 0),
      findings: this.#findings,
    };
  }
}
