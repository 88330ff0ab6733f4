/** Verdicts that take time: they look, wait and look again. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { delay, type Clock } from '../../shared/clock.ts';
import { compare, type Comparison, type OnTrial } from './comparison.ts';
import { runDriver, see, sightOf, type Place } from './instance.ts';
import { firstWatch, look, type Readiness, type ReadinessLimits } from './readiness.ts';
import { instanceAt, releaseOf } from './routes.ts';
import { judge, parseRequest, tally, type LoggedRequest, type SloVerdict } from './slo.ts';

const pollMs = 200;

export async function awaitReady(
  place: Place,
  instance: string,
  limits: ReadinessLimits,
  clock: Clock,
): Promise<Exclude<Readiness, { kind: 'waiting' }>> {
  let watch = firstWatch(clock.elapsedMs());
  for (;;) {
    const found = look(watch, await see(place, instance), clock.elapsedMs(), limits);
    if (found.kind !== 'waiting') return found;
    ({ watch } = found);
    await delay(clock, pollMs);
  }
}

/** Whether each of them serves now, by what it says on its socket: whoever answers there runs. */
export async function areWarm(place: Place, instances: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    instances.map(async (instance) => {
      const limits = { release: releaseOf(instance), healthyMs: 0, deadlineMs: 0 };
      const sight = { life: 'answers', ...(await sightOf(place, instance)) };
      return look(firstWatch(0), sight, 0, limits).kind === 'ready';
    }),
  );
  return found.every(Boolean);
}

export type HandedOver =
  | { readonly kind: 'done'; readonly moved: number }
  | { readonly kind: 'late'; readonly left: number }
  | Exclude<Comparison, { kind: 'kept' | 'too-few' }>;

export interface HandOver {
  readonly deadlineMs: number;
  /** Where they are led now, and what that is held to; undefined when it has proven itself. */
  readonly to: OnTrial | undefined;
}

/**
 * Asks the instance to hand over what is routed elsewhere, and waits until it says that nobody is left. When those who move are not
 * welcomed there, it says so at once: until the grace of the hand-over is over they still have their connection here.
 */
export async function handOver(
  place: Place,
  instance: string,
  { deadlineMs, to }: HandOver,
  clock: Clock,
): Promise<HandedOver> {
  const before = await see(place, instance);
  const endMs = clock.elapsedMs() + deadlineMs;
  let nextLookMs = 0;
  const compared = to && (await compare(place, to));
  // An instance that is gone has nobody left.
  if (before.life === undefined) return { kind: 'done', moved: 0 };
  await runDriver(place, 'signal', instance, 'USR2');
  for (;;) {
    const now = await see(place, instance);
    // Whoever was there has lost its connection: this one, or one that was started in its place, was told nothing.
    if (now.life !== before.life) return { kind: 'done', moved: before.connections ?? 0 };
    if ((now.handOvers ?? 0) > (before.handOvers ?? 0))
      return { kind: 'done', moved: (before.connections ?? 0) - (now.connections ?? 0) };
    const isDue = clock.elapsedMs() >= nextLookMs;
    if (isDue) nextLookMs = clock.elapsedMs() + 2 * pollMs;
    const judged = isDue ? (await compared?.())?.greetings : undefined;
    if (judged !== undefined && judged.kind !== 'kept' && judged.kind !== 'too-few') return judged;
    if (clock.elapsedMs() >= endMs)
      return { kind: 'late', left: now.connections ?? before.connections ?? 0 };
    await delay(clock, pollMs / 4);
  }
}

export interface Soak {
  readonly accessLog: string;
  readonly forMs: number;
  /** Longest wait for enough requests. */
  readonly holdMs: number;
}

/**
 * Watches an instance under real traffic until the time is over, against the instances beside it. With `holdMs` it waits
 * that much longer for enough requests and connections. An instance that died ends it at once.
 */
export async function soak(
  place: Place,
  trial: OnTrial,
  { accessLog, forMs, holdMs }: Soak,
  clock: Clock,
): Promise<Comparison> {
  const look = await compare(place, trial);
  // The log has times of day.
  const fromMs = clock.nowMs();
  const untilMs = clock.elapsedMs() + forMs;
  for (;;) {
    const { greetings, loop, isStoreAway } = await look();
    const requests = await judgeRequests(place, trial, { accessLog, fromMs });
    const isOver = clock.elapsedMs() >= untilMs;
    const verdicts = [greetings, requests, ...(isOver ? [loop] : [])];
    const bad = verdicts.find(({ kind }) => kind !== 'kept' && kind !== 'too-few');
    if (bad !== undefined)
      return bad.kind === 'broken' && isStoreAway ? { kind: 'store-away' } : bad;
    const tooFew = verdicts.find(({ kind }) => kind === 'too-few');
    if (clock.elapsedMs() >= untilMs + (tooFew === undefined ? 0 : holdMs))
      return tooFew ?? { kind: 'kept' };
    await delay(clock, 2 * pollMs);
  }
}

async function judgeRequests(
  place: Place,
  { instance, limits }: OnTrial,
  { accessLog, fromMs }: { readonly accessLog: string; readonly fromMs: number },
): Promise<SloVerdict> {
  const requests = await readRequests(accessLog, fromMs);
  const owners = new Map<string, string | undefined>();
  for (const { route } of requests)
    if (!owners.has(route)) owners.set(route, await instanceAt(place.runFolder, route));
  const isFresh = ({ route }: LoggedRequest): boolean => owners.get(route) === instance;
  return judge(
    tally(requests.filter(isFresh)),
    tally(requests.filter((request) => !isFresh(request))),
    limits,
  );
}

/** Bytes of the log's end that are read: many minutes of a small server. */
const tailBytesMax = 20_000_000;

async function readRequests(file: string, fromMs: number): Promise<LoggedRequest[]> {
  const { size } = await stat(file);
  const requests: LoggedRequest[] = [];
  const stream = createReadStream(file, { start: Math.max(0, size - tailBytesMax) });
  for await (const line of createInterface({ input: stream })) {
    const request = parseRequest(line);
    if (request !== undefined && request.atMs >= fromMs) requests.push(request);
  }
  return requests;
}
