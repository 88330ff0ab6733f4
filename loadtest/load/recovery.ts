/** How long riders are without a connection when it breaks. */
import type { Rider } from './durable-rider.ts';
import type { Break, Recovery } from './riders.ts';

/** What is not back by then is missing. */
const backMsMax = 60_000;

/** Connections that somebody else breaks are broken by then. */
const brokenMs = 1_500;

/** Resolves when nobody is away any more, or some have been for too long. */
export function untilBack(away: ReadonlySet<unknown>, startMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const sinceMs = performance.now() - startMs;
      if (sinceMs < brokenMs || (away.size > 0 && sinceMs < backMsMax)) return;
      clearInterval(timer);
      resolve();
    }, 20);
  });
}

/** Resolves when everybody who lost the connection is served again. */
export async function recoverAll(riders: readonly Rider[], { isOwn }: Break): Promise<Recovery> {
  const dialsBefore = dialsOf(riders);
  const backMs: number[] = [];
  const away = new Set<Rider>();
  const startMs = performance.now();
  const stops = riders.map((rider) =>
    rider.session.subscribe(({ status }) => {
      if (status !== 'connected') away.add(rider);
      else if (away.delete(rider)) backMs.push(performance.now() - startMs);
    }),
  );
  if (isOwn) for (const { line } of riders) line.cut();
  await untilBack(away, startMs);
  for (const stop of stops) stop();
  return { backMs, dialCount: dialsOf(riders) - dialsBefore, missing: away.size };
}

const dialsOf = (riders: readonly Rider[]): number =>
  riders.reduce((sum, { line }) => sum + line.dialCount(), 0);
