/** How this instance is, in numbers that are there already: they are read when somebody asks, and nothing is counted for them alone. */
import type { Clock } from '../../shared/clock.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import type { Greetings } from '../gateway/greeting-counts.ts';
import type { RequestCounts } from '../http/request-counts.ts';
import type { Lifecycle, Phase } from '../lifecycle/lifecycle.ts';
import type { SessionCounts } from '../session/session-counts.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import type { CircuitWatch } from '../store/circuit.ts';
import type { CodeCounts } from '../telemetry/code-counts.ts';
import type { ProcessFigures, ProcessWatch } from '../telemetry/process-figures.ts';
import type { Sample } from '../telemetry/prometheus-text.ts';

export interface FigureParts {
  readonly release: string;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly registry: Pick<SessionRegistry, 'hosts'>;
  readonly counts: SessionCounts;
  readonly circuits: { readonly postgres: CircuitWatch; readonly redis: CircuitWatch | undefined };
  readonly connectionCount: () => number;
  readonly greeted: () => Greetings;
  readonly handOverCount: () => number;
  /** Undefined when there is no backup, or nobody has said yet. */
  readonly backupAgeMs: () => number | undefined;
  /** Absent where nobody hashes passwords. */
  readonly hashing: (() => HashingFigures) | undefined;
  readonly process: ProcessWatch;
  readonly requests: RequestCounts;
  readonly closes: CodeCounts;
}

/** Hashes of passwords under way or waiting, and how long one takes. */
export interface HashingFigures {
  readonly pendingCount: number;
  readonly hashMs: number;
}

export interface StoreFigures {
  readonly failures: number;
  readonly isCircuitOpen: boolean;
}

export interface Figures {
  readonly release: string;
  readonly phase: Phase;
  readonly sessions: number;
  /** Sessions with entries that Postgres does not have, and how long the oldest of them waits. */
  readonly unsavedSessions: number;
  readonly checkpointLagMs: number;
  readonly connections: number;
  readonly greetings: Greetings;
  readonly handOvers: number;
  readonly backupAgeMs: number | undefined;
  readonly counts: SessionCounts;
  readonly postgres: StoreFigures;
  readonly redis: StoreFigures | undefined;
  readonly hashing: HashingFigures | undefined;
  readonly process: ProcessFigures;
  readonly requestsByClass: readonly number[];
  readonly requestDurations: readonly Sample[];
  readonly closes: ReadonlyMap<string, number>;
}

/** Codes a connection ends with: ours, and those of the network and of browsers. */
export const countedCloseCodes = [1000, 1001, 1005, 1006, 1009, ...Object.values(closeCodes)];

export function readFigures(parts: FigureParts): Figures {
  const { clock, registry, circuits, requests } = parts;
  const nowMs = clock.elapsedMs();
  let [unsavedSessions, checkpointLagMs] = [0, 0];
  for (const { unsavedSinceMs } of registry.hosts.values()) {
    if (unsavedSinceMs === undefined) continue;
    unsavedSessions++;
    checkpointLagMs = Math.max(checkpointLagMs, nowMs - unsavedSinceMs);
  }
  const storeOf = ({ failures, openUntilMs }: CircuitWatch): StoreFigures => ({
    failures,
    isCircuitOpen: nowMs < openUntilMs,
  });
  return {
    release: parts.release,
    phase: parts.lifecycle.phase(),
    sessions: registry.hosts.size,
    unsavedSessions,
    checkpointLagMs,
    connections: parts.connectionCount(),
    greetings: parts.greeted(),
    handOvers: parts.handOverCount(),
    backupAgeMs: parts.backupAgeMs(),
    counts: parts.counts,
    postgres: storeOf(circuits.postgres),
    redis: circuits.redis && storeOf(circuits.redis),
    hashing: parts.hashing?.(),
    process: parts.process.figures(),
    requestsByClass: requests.byClass,
    requestDurations: requests.durations.samples(),
    closes: parts.closes.counts(),
  };
}
