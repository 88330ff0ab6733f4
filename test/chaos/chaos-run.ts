/** A whole run: a world, riders in it, storm after storm, and after each the question whether everything is there once. */
import { delay, systemClock } from '../../shared/clock.ts';
import type { Device } from './device.ts';
import { planStorm } from './fault-plan.ts';
import type { Finding } from './findings.ts';
import type { Given } from './given.ts';
import { foundMark, History } from './history.ts';
import { LongAgenda } from './long-agenda.ts';
import { planLong, type Store } from './long-plan.ts';
import { PostgresWitness } from './postgres-witness.ts';
import { clockTime, startProgress, type Progress, type Screen } from './progress.ts';
import type { ChaosReport, ReportedFinding } from './report.ts';
import { reportOf } from './run-figures.ts';
import { SessionRun } from './session-run.ts';
import { Storm, type FaultCounts } from './storm.ts';
import { startWorld, type World } from './world.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Sessions; every third has two devices. */
  readonly riderCount: number;
  readonly withRedis: boolean;
  /** Each store is away once for a quarter of the run, and one device for most of it. */
  readonly withLongOutages?: boolean | undefined;
  /** Paths of the built server, and of the built process of a device. */
  readonly serverFile: string;
  readonly deviceFile: string;
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
  /** When the storms began, and what is to last long from then on. */
  #startMs = 0;
  readonly #agenda: LongAgenda;
  /** Milliseconds each thing was away for long. */
  readonly #awayMs: Record<string, number> = {};
  /** The store that is away for long now. */
  #outage: string | undefined;
  #comeBack: (() => void) | undefined;

  constructor(options: ChaosOptions, world: World, history: History) {
    this.#options = options;
    this.#world = world;
    this.#history = history;
    this.#witness = new PostgresWitness(world.postgres.url, (finding) => this.#find(finding));
    const { withLongOutages, seed } = options;
    this.#agenda = new LongAgenda(withLongOutages ? planLong(seed, options) : undefined);
    this.#progress = startProgress(options.screen, () => this.#describe());
  }

  async perform(stopping: AbortSignal): Promise<void> {
    await this.#startSessions();
    const storm = this.#openStorm();
    this.#startMs = this.#history.elapsedMs();
    const isOver = (): boolean => this.#findings.length > 0 || stopping.aborted;
    // Longer than it was to be, when not all that was to last long has been done.
    while (!isOver() && (this.#elapsedMs < this.#options.durationMs || !this.#agenda.isDone)) {
      this.#changeAbsence();
      for (const device of this.#devices) device.goOn();
      await this.#rage(storm, isOver);
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
    await Promise.all(this.#devices.map((device) => device.stop()));
    await this.#witness.stop();
  }

  /** Milliseconds since the first storm began. */
  get #elapsedMs(): number {
    return this.#history.elapsedMs() - this.#startMs;
  }

  get #devices(): readonly Device[] {
    return this.#sessions.flatMap(({ devices }) => devices);
  }

  async #startSessions(): Promise<void> {
    const { riderCount, seed, deviceFile } = this.#options;
    const starting = Array.from({ length: riderCount }, (_, number) =>
      SessionRun.start({
        number,
        deviceCount: number % 3 === 2 ? 2 : 1,
        seed,
        world: this.#world,
        deviceFile,
        history: this.#history,
        witness: this.#witness,
        found: (finding, name) => this.#find(finding, name),
      }),
    );
    const failures: unknown[] = [];
    // Those that were started are there to be stopped, whatever became of the others.
    for (const started of await Promise.allSettled(starting))
      if (started.status === 'fulfilled') this.#sessions.push(started.value);
      else failures.push(started.reason);
    if (failures.length > 0) throw failures[0];
  }

  #openStorm(): Storm {
    const scene = {
      world: this.#world,
      devices: this.#devices,
      busy: new Set<Store>(),
      backup: { isThere: false },
      overran: (what: string) => {
        this.#drainsOverrun += 1;
        this.#history.add(`the drain of ${what} had to be ended by force`);
      },
      wasAway: (store: Store, ms: number) => {
        this.#awayMs[store] = ms;
      },
    };
    this.#storm = new Storm(scene, this.#history, this.#counts);
    return this.#storm;
  }

  async #rage(storm: Storm, isOver: () => boolean): Promise<void> {
    const { seed, durationMs, withRedis } = this.#options;
    const number = ++this.#stormCount;
    const outage = this.#agenda.takeOutage(this.#elapsedMs);
    const leftMs = Math.max(0, durationMs - this.#elapsedMs);
    const lengthMs = outage?.durationMs ?? Math.min(stormMs, leftMs);
    this.#history.add(`storm ${number}`);
    const plan = planStorm(seed, number, { lengthMs, withRedis, away: outage?.store });
    if (outage === undefined) return storm.rage(plan, isOver);
    this.#outage = outage.store;
    this.#tell(`${outage.store} is away`);
    await storm.rage(plan, isOver);
    this.#outage = undefined;
    this.#tell(`${outage.store} is back`);
  }

  /** In the story, and on the screen to stay. */
  #tell(text: string): void {
    this.#history.add(text);
    this.#progress.tell(`${clockTime(this.#elapsedMs)}  ${text}`);
  }

  /** Sends one device away, or has it come back, when the time has come. */
  #changeAbsence(): void {
    const change = this.#agenda.takeAbsence(this.#elapsedMs);
    if (change?.isAway === false) this.#comeBack?.();
    if (change?.isAway !== true) return;
    const device = this.#devices[change.device % this.#devices.length];
    if (device === undefined) return;
    const end = device.goAway();
    const [beganMs, { name }] = [systemClock.nowMs(), device];
    this.#tell(`device ${name} is away`);
    this.#comeBack = () => {
      end();
      this.#comeBack = undefined;
      this.#awayMs[`device ${name}`] = systemClock.nowMs() - beganMs;
      this.#tell(`device ${name} is back with ${device.given.unsaved.length} commands`);
    };
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
    const sum = (of: (given: Given) => number): number =>
      devices.reduce((total, { given }) => total + of(given), 0);
    const online = devices.filter(({ shown }) => shown?.status === 'connected').length;
    const faultCount = [...this.#counts.values()].reduce((total, count) => total + count, 0);
    const [sent, accepted] = [
      sum((given) => given.standingCount),
      sum((given) => given.acceptedCount),
    ];
    const saved = sum((given) => given.checkpointedCount);
    if (this.#stormCount === 0) return 'starting';
    return [
      `${clockTime(this.#elapsedMs)}/${clockTime(durationMs)}`,
      `storm ${this.#stormCount}${this.#outage === undefined ? '' : `, ${this.#outage} away`}`,
      `${faultCount} faults, ${this.#storm?.activeCount ?? 0} now`,
      `${online}/${devices.length} online`,
      `${sent} sent, ${accepted} accepted, ${saved} saved`,
      `${this.#sessions.reduce((total, { rebuiltCount }) => total + rebuiltCount, 0)} rebuilt`,
    ].join('  ');
  }

  #report(): ChaosReport {
    return reportOf({
      options: this.#options,
      world: this.#world,
      sessions: this.#sessions,
      minutes: this.#history.elapsedMs() / 60_000,
      storms: this.#stormCount,
      faults: this.#counts,
      awayMs: this.#awayMs,
      wrong: this.#totals,
      checkpointsVerified: this.#witness.verifiedCount,
      longestHealingMs: this.#longestHealingMs,
      drainsOverrun: this.#drainsOverrun,
      findings: this.#findings,
    });
  }
}
