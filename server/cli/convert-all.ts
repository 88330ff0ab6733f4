/** Takes every newer session of some kinds back, a few at a time. */
import { delay, systemClock } from '../../shared/clock.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { FencedError } from '../session/claim-session.ts';
import { DowncastRefusedError, downcastSession } from '../session/downcast-session.ts';
import type { OpeningParts } from '../session/open-session.ts';
import { StoreUnavailableError } from '../store/journal.ts';
import type { Outcome } from './command-table.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { eachNewer, type SessionVersions } from './newer-sessions.ts';

/** Tries for a session whose clients come back to newer instances meanwhile, and the pause before the next, doubling. */
const triesMax = 8;
const retryMs = 25;

interface Tally {
  readonly kind: string;
  readonly to: number;
  seen: number;
  converted: number;
  /** Somebody else was faster each time. */
  busy: number;
  refused: number;
  reason: string | undefined;
}

/**
 * The ceilings come first, so that nobody raises again what was taken back, and one way through all sessions finds every one. What is
 * refused is refused before anything is changed where the kind has no way back at all.
 */
export async function convertAll(
  parts: OpeningParts & SessionVersions,
  models: ReadonlyMap<string, AnyModel>,
  versions: ReadonlyMap<string, number>,
  progress: (line: string) => void,
): Promise<Outcome> {
  const tallies: Tally[] = [...versions].map(([kind, to]) => ({
    kind,
    to,
    seen: 0,
    converted: 0,
    busy: 0,
    refused: 0,
    reason: undefined,
  }));
  for (const tally of tallies)
    if (models.get(tally.kind)?.downcast === undefined) await countNewer(parts, tally);
  if (tallies.some(({ refused }) => refused > 0)) return outcome(tallies, undefined);
  try {
    for (const { kind, to } of tallies) await parts.schemas.setCeiling(kind, to);
    for (const tally of tallies) await convertKind(parts, tally, progress);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    return outcome(tallies, error);
  }
  return outcome(tallies, undefined);
}

async function countNewer(parts: SessionVersions, tally: Tally): Promise<void> {
  const { kind, to: version } = tally;
  await eachNewer(parts, { kind, version }, () => {
    tally.refused++;
    tally.reason = `this release has no downcast of ${kind}; nothing was changed`;
    return Promise.resolve();
  });
}

async function convertKind(
  parts: OpeningParts & SessionVersions,
  tally: Tally,
  progress: (line: string) => void,
): Promise<void> {
  const { kind, to: version } = tally;
  await eachNewer(
    parts,
    { kind, version },
    (sessionId) => convert(parts, sessionId, tally),
    (count) => {
      tally.seen += count;
      progress(`${kind}: ${tally.seen} sessions seen, ${tally.converted} taken back to ${version}`);
    },
  );
}

async function convert(parts: OpeningParts, sessionId: string, tally: Tally): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      if ((await downcastSession(parts, sessionId, tally.to)) === 'converted') tally.converted++;
      return;
    } catch (error) {
      if (error instanceof DowncastRefusedError) {
        tally.refused++;
        tally.reason ??= error.message;
        return;
      }
      if (!(error instanceof FencedError)) throw error;
      await delay(systemClock, retryMs * 2 ** tries);
    }
  }
  tally.busy++;
}

function outcome(
  tallies: readonly Tally[],
  unavailable: StoreUnavailableError | undefined,
): Outcome {
  const lines = tallies.flatMap(({ kind, to, converted, busy, refused, reason }) => [
    `${kind}: ${converted} sessions taken back to ${to}`,
    ...(busy > 0 ? [`${kind}: ${busy} sessions were taken up each time: run it again`] : []),
    ...(refused > 0 ? [`refused: ${refused} sessions of ${kind}: ${reason}`] : []),
  ]);
  if (unavailable !== undefined) lines.push(`${unavailable.message}: run it again`);
  const exitCode = exitCodeOf(tallies, unavailable);
  return { exitCode, lines, json: { kinds: tallies, unavailable: unavailable?.message } };
}

function exitCodeOf(
  tallies: readonly Tally[],
  unavailable: StoreUnavailableError | undefined,
): ExitCode {
  if (unavailable !== undefined) return exitCodes.unavailable;
  if (tallies.some(({ refused }) => refused > 0)) return exitCodes.refused;
  return tallies.some(({ busy }) => busy > 0) ? exitCodes.incomplete : exitCodes.done;
}
