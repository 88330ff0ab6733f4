/** One instance as a deploy sees it: its process through the driver, itself through its socket. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ask, type Where } from './ask.ts';
import type { Sight } from './readiness.ts';
import { releaseOf } from './routes.ts';

export interface Place {
  /** Folder of sockets and routes. */
  readonly runFolder: string;
  /** Script that starts, stops and looks after processes. */
  readonly driver: string;
}

export interface InstanceState extends Sight {
  readonly connections: number | undefined;
  readonly sessions: number | undefined;
  readonly handOvers: number | undefined;
}

export async function see(place: Place, instance: string): Promise<InstanceState> {
  const where = await whereIs(place, instance);
  const [life, ready, version] = await Promise.all([
    runDriver(place, 'alive', instance),
    ask(where, '/readyz'),
    ask(where, '/version'),
  ]);
  const body = (ready?.body ?? {}) as Readonly<Record<string, unknown>>;
  const { release } = (version?.body ?? {}) as { readonly release?: unknown };
  return {
    life,
    ready:
      ready === undefined
        ? undefined
        : { code: ready.status, status: String(body['status']), phase: String(body['phase']) },
    release: typeof release === 'string' ? release : undefined,
    connections: numberOf(body['connections']),
    sessions: numberOf(body['sessions']),
    handOvers: numberOf(body['hand_overs']),
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
    const made = await askAt(place, maker, '/v1/sessions', { body: creation });
    const { resume_url: resumeUrl } = (made?.body ?? {}) as { readonly resume_url?: unknown };
    if (made?.status !== 201 || typeof resumeUrl !== 'string')
      return `release ${releaseOf(maker)} does not begin a session (${made?.status ?? 'no answer'})`;
    const { pathname, hash } = new URL(resumeUrl);
    for (const reader of makers) {
      const read = await askAt(place, reader, pathname, { token: hash.slice(1) });
      if (read?.status !== 200)
        return `release ${releaseOf(reader)} does not read a session begun by ${releaseOf(maker)} (${read?.status ?? 'no answer'})`;
    }
  }
  return undefined;
}

const askAt = async (
  place: Place,
  instance: string,
  path: string,
  what: { readonly body?: unknown; readonly token?: string },
) => ask(await whereIs(place, instance), path, what);
