/** One instance as a deploy sees it: its process through the driver, itself through its socket. */
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { delay, systemClock } from '../../shared/clock.ts';
import { ask, type Asked, type Where } from './ask.ts';
import type { Sight } from './readiness.ts';
import { releaseOf } from './routes.ts';
import type { Greetings } from './slo.ts';

export interface Place {
  /** Folder of sockets and routes. */
  readonly runFolder: string;
  /** Script that starts, stops and looks after processes. */
  readonly driver: string;
}

/** What an instance says of itself. */
export interface SelfReport {
  readonly ready: Sight['ready'];
  readonly connections: number | undefined;
  readonly sessions: number | undefined;
  readonly handOvers: number | undefined;
  /** Since it began; undefined when it counts none. */
  readonly greetings: Greetings | undefined;
  readonly lateMs: number;
}

export interface InstanceState extends Sight, SelfReport {
  readonly ready: Sight['ready'];
}

export async function see(place: Place, instance: string): Promise<InstanceState> {
  const [life, sight] = await Promise.all([lifeOf(place, instance), sightOf(place, instance)]);
  return { life, ...sight };
}

/** Process id and restarts; undefined when a driver says three times that it does not run: one call may fail for reasons of its own. */
export async function lifeOf(place: Place, instance: string): Promise<Sight['life']> {
  for (let looks = 0; looks < 3; looks++) {
    if (looks > 0) await delay(systemClock, 100);
    const life = await runDriver(place, 'alive', instance);
    if (life !== undefined) return life;
  }
  return undefined;
}

/** Without asking the driver. */
export async function sightOf(
  place: Place,
  instance: string,
): Promise<Omit<InstanceState, 'life'>> {
  const where = await whereIs(place, instance);
  const [report, version] = await Promise.all([readReport(where), ask(where, '/version')]);
  const { release } = (version?.body ?? {}) as { readonly release?: unknown };
  return { release: typeof release === 'string' ? release : undefined, ...report };
}

/** Without asking the driver, which starts processes of its own. */
export async function reportOf(place: Place, instance: string): Promise<SelfReport> {
  return readReport(await whereIs(place, instance));
}

async function readReport(where: Where): Promise<SelfReport> {
  const answer = await ask(where, '/readyz');
  const body = (answer?.body ?? {}) as Readonly<Record<string, unknown>>;
  return {
    ready:
      answer === undefined
        ? undefined
        : { code: answer.status, status: String(body['status']), phase: String(body['phase']) },
    connections: numberOf(body['connections']),
    sessions: numberOf(body['sessions']),
    handOvers: numberOf(body['hand_overs']),
    greetings: greetingsOf(body),
    lateMs: numberOf(body['loop_delay_p99_ms']) ?? 0,
  };
}

/** Its Unix socket, unless the driver noted an address. */
export async function whereIs(
  { runFolder }: Pick<Place, 'runFolder'>,
  instance: string,
): Promise<Where> {
  const address = await readFile(join(runFolder, `${instance}.address`), 'utf8').catch(() => '');
  return address === ''
    ? { socketPath: join(runFolder, `${instance}.sock`) }
    : { url: address.trim() };
}

/** Instances with a socket; one that is starting has none yet, and nobody is led to it either. */
export async function instancesIn({ runFolder }: Pick<Place, 'runFolder'>): Promise<string[]> {
  const names = await readdir(runFolder).catch(() => []);
  return names
    .filter((name) => /^[abc]\..+\.(sock|address)$/.test(name))
    .map((name) => name.replace(/\.\w+$/, ''));
}

/** What the driver prints; undefined when it says no. */
export async function runDriver(
  { driver }: Place,
  ...words: readonly string[]
): Promise<string | undefined> {
  return promisify(execFile)(driver, words).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

function greetingsOf(body: Readonly<Record<string, unknown>>): Greetings | undefined {
  const [welcomed, unwelcomed] = [numberOf(body['welcomed']), numberOf(body['unwelcomed'])];
  return welcomed === undefined || unwelcomed === undefined ? undefined : { welcomed, unwelcomed };
}

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;

/** What is wrong with an instance that answers, tried out with a session; undefined when nothing is. */
export async function tryOut(
  place: Place,
  fresh: string,
  former: string | undefined,
  creation: unknown,
): Promise<string | undefined> {
  const makers = [fresh, ...(former === undefined ? [] : [former])];
  for (const maker of makers) {
    const made = await askAt(place, maker, '/v1/sessions', { body: creation, headers: asTrial });
    const { resume_url: resumeUrl } = (made?.body ?? {}) as { readonly resume_url?: unknown };
    if (made?.status !== 201 || typeof resumeUrl !== 'string')
      return `release ${releaseOf(maker)} does not begin a session (${made?.status ?? 'no answer'})`;
    const { pathname, hash } = new URL(resumeUrl);
    for (const reader of makers) {
      const read = await askAt(place, reader, pathname, { token: hash.slice(1) });
      // A release that raises the shape of a session leaves it to nobody older: that answer is as it must be.
      if (reader !== fresh && maker === fresh && codeOf(read?.body) === 'schema-too-new') continue;
      if (read?.status !== 200)
        return `release ${releaseOf(reader)} does not read a session begun by ${releaseOf(maker)} (${read?.status ?? 'no answer'})`;
    }
  }
  return undefined;
}

/** Such a session is over soon: one that stayed would keep everybody from going back to a release that does not know its shape. */
const asTrial = { 'trackstand-trial': '1' };

const codeOf = (body: unknown): unknown => (body as { readonly code?: unknown } | undefined)?.code;

const askAt = async (place: Place, instance: string, path: string, what: Asked) =>
  ask(await whereIs(place, instance), path, what);
