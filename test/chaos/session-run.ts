/** One session of a run: its devices, what they hear, and what it has come to. */
import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { delay, systemClock } from '../../shared/clock.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import type { WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import type { Account } from './device-protocol.ts';
import { Device } from './device.ts';
import type { Finding, FindingKind } from './findings.ts';
import type { History } from './history.ts';
import { differenceOf, judge, type ShownState, type Verdict } from './oracle.ts';
import type { PostgresWitness } from './postgres-witness.ts';
import { WireEar, type HeardLog } from './wire-ear.ts';
import { chaosSecret, type World } from './world.ts';

export interface SessionRunParts {
  readonly number: number;
  readonly deviceCount: number;
  readonly seed: number;
  readonly world: World;
  /** Path of the built process of a device. */
  readonly deviceFile: string;
  readonly history: History;
  readonly witness: PostgresWitness;
  readonly found: (finding: Finding, name: string) => void;
}

export class SessionRun {
  readonly name: string;
  readonly devices: Device[] = [];
  readonly #parts: SessionRunParts;
  readonly #heardLog: HeardLog = new Map();
  #sessionId = '';
  #warningCount = 0;

  private constructor(parts: SessionRunParts) {
    this.name = `session ${parts.number}`;
    this.#parts = parts;
  }

  /** Begins the session and attaches its devices. Leaves none behind when it rejects. */
  static async start(parts: SessionRunParts): Promise<SessionRun> {
    const run = new SessionRun(parts);
    parts.world.routes[parts.number] = parts.number % parts.world.stations.length;
    try {
      for (let place = 0; place < parts.deviceCount; place++) await run.#addDevice(place);
    } catch (error) {
      await Promise.all(run.devices.map((device) => device.stop()));
      throw error;
    }
    return run;
  }

  get sessionId(): string {
    return this.#sessionId;
  }

  /** Times the session was opened under a new epoch. */
  get rebuiltCount(): number {
    const epochs = new Set(this.devices.flatMap(({ ear }) => [...ear.epochs]));
    return Math.max(0, epochs.size - 1);
  }

  /** Problems the client library warned of. */
  get warningCount(): number {
    return this.#warningCount;
  }

  /** Whether all that was given is in Postgres, and every device that is not away has heard of it: one at a former owner learns of the move late. [O2] */
  get isSaved(): boolean {
    const present = this.#present;
    const heads = new Set(present.map(({ ear }) => `${ear.head.epoch}/${ear.head.offset}`));
    return heads.size <= 1 && present.every((device) => device.isSaved);
  }

  /** Devices that are not away for long. */
  get #present(): readonly Device[] {
    return this.devices.filter(({ isAway }) => !isAway);
  }

  /** Why it is not saved, for people. */
  describe(): string {
    const states = this.#present.map(({ name, shown, ear, given }) => {
      const notAccepted = given.standingCount - given.acceptedCount;
      return `${name} is ${shown?.status ?? 'loading'} at ${ear.head.offset} with ${notAccepted} of its commands not accepted and ${given.unsaved.length} not saved`;
    });
    return states.join('; ');
  }

  /** Holds Postgres, the service and every device to what was given. To be asked while all is saved and everybody rests. */
  async verify(): Promise<Verdict> {
    const head = Math.max(0, ...this.#present.map(({ ear }) => ear.head.offset));
    const rows = await this.#parts.witness.rowsThrough(this.#sessionId, head);
    const authors = this.devices.map((device) => ({
      name: device.name,
      clientId: device.clientId,
      issued: device.given.issued,
      excused: excusedOf(device),
      voided: device.given.voided,
    }));
    const verdict = judge(authors, rows);
    for (const { kind, sentence } of verdict.findings) this.#found(kind, sentence);
    for (const device of this.#present) await this.#holdTo(verdict, device);
    return verdict;
  }

  async #holdTo(verdict: Verdict, device: Device): Promise<void> {
    const account = await accountOf(device);
    if (account instanceof Error) {
      this.#found('not-healed', `${device.name} does not say what it has: ${account.message}`);
      return;
    }
    const { state, answer } = account;
    this.#compare(`What ${device.name} shows`, state as ShownState, verdict.totals);
    const body = answer.body as { readonly state?: ShownState; readonly offset?: number };
    if (body.state === undefined)
      this.#found('not-healed', `GET answers ${device.name} with ${answer.status}.`);
    else this.#compare('What GET answers', body.state, verdict.totals);
    if (body.offset !== undefined && body.offset !== verdict.log.head)
      this.#found(
        'altered',
        `GET says the log ends at ${body.offset}, Postgres at ${verdict.log.head}.`,
      );
  }

  async #addDevice(place: number): Promise<void> {
    const { number, seed, world, deviceFile, history, witness } = this.#parts;
    const [first] = this.devices;
    const name = `${number}${'ab'[place] ?? ''}`;
    const network = await world.openNetwork(number);
    const url = `http://127.0.0.1:${network.port}`;
    const ear = new WireEar(this.#heardLog, {
      found: (kind, sentence) => this.#found(kind, `${name}: ${sentence}`),
      toldCheckpointed: (incarnation, seq, atMs) =>
        witness.told({ sessionId: this.#sessionId, incarnation, seq, atMs }),
      note: (text) => history.addTo(this.name, `${name} ${text}`),
    });
    const device = await Device.start({
      name,
      session: number,
      place,
      deviceFile,
      origin: first === undefined ? { url } : { resumeUrl: this.#resumeUrl(url) },
      input: rideInput(),
      network,
      ear,
      seed: (seed * 104_729 + number * 16 + place) * 1_000,
      begun: (sessionId) => {
        this.#sessionId = sessionId;
      },
      found: (kind, sentence) => this.#found(kind, `${name}: ${sentence}`),
      warn: (problem) => {
        this.#warningCount += 1;
        history.addTo(this.name, `${name} warns: ${problem}`);
      },
    });
    this.devices.push(device);
  }

  /** For a further device of the session, which gets its own token. */
  #resumeUrl(url: string): string {
    const clientId = crypto.randomUUID();
    const token = resumeTokens(signingKeys([chaosSecret])).issue(this.#sessionId, clientId, 1);
    return `${url}/v1/sessions/${this.#sessionId}/clients/${clientId}#${token}`;
  }

  #compare(what: string, state: ShownState, totals: Verdict['totals']): void {
    const difference = differenceOf(state, totals);
    if (difference !== undefined) this.#found('altered', `${what} is wrong: ${difference}.`);
  }

  #found(kind: FindingKind, sentence: string): void {
    this.#parts.found({ kind, sessionId: this.#sessionId, sentence }, this.name);
  }
}

function rideInput(): WorkoutInput {
  const [builtIn] = builtInPlans;
  if (builtIn === undefined) throw new Error('There is no built-in plan.');
  return { plan: builtIn.plan, ftpW: 250 };
}

/** What may be missing: what is unsure, and what a device that is away has not heard to be saved. */
function excusedOf({ given, isAway }: Device): ReadonlySet<number> {
  const undelivered = isAway ? given.unsaved : [];
  return new Set([...given.unsure, ...undelivered.map(({ ordinal }) => ordinal)]);
}

/** Milliseconds between two questions, and how many there are: a page may be loading, as a former twin makes it do. */
const askMs = 100;
const questionsMax = 300;

/** Of a device whose page is connected. An error says why there is none. */
async function accountOf(device: Device): Promise<Account | Error> {
  for (let count = 1; count <= questionsMax; count++) {
    const account = await device.account().catch((error: unknown) => error as Error);
    if (account instanceof Error || account.state !== undefined) return account;
    await delay(systemClock, askMs);
  }
  return new Error(`${questionsMax} times it had no page that was connected.`);
}
