/** What an instance says of itself to the others, and how that is read: it may come from an older or a newer release. */
import * as v from 'valibot';

import type { StoredReport } from '../store/instances.ts';
import type { Figures } from './figures.ts';

const count = v.fallback(v.pipe(v.number(), v.minValue(0)), 0);

const reportSchema = v.object({
  phase: v.fallback(v.string(), 'unknown'),
  sessions: count,
  unsaved_sessions: count,
  checkpoint_lag_ms: count,
  connections: count,
  hand_overs: count,
  entries_accepted: count,
  entries_checkpointed: count,
  rebuilt: count,
  fenced: count,
  loop_delay_p99_ms: count,
  resident_bytes: count,
  uptime_s: count,
  postgres: v.fallback(v.picklist(['up', 'away']), 'up'),
  redis: v.fallback(v.picklist(['up', 'away', 'absent']), 'absent'),
});

export type Report = v.InferOutput<typeof reportSchema>;

export function reportOf({ counts, process, postgres, redis, ...figures }: Figures): Report {
  return {
    phase: figures.phase,
    sessions: figures.sessions,
    unsaved_sessions: figures.unsavedSessions,
    checkpoint_lag_ms: Math.round(figures.checkpointLagMs),
    connections: figures.connections,
    hand_overs: figures.handOvers,
    entries_accepted: counts.entriesAccepted,
    entries_checkpointed: counts.entriesCheckpointed,
    rebuilt: counts.rebuilt,
    fenced: counts.fenced,
    loop_delay_p99_ms: Math.round(process.loopDelayP99Ms),
    resident_bytes: process.residentBytes,
    uptime_s: Math.round(process.uptimeS),
    postgres: postgres.isCircuitOpen ? 'away' : 'up',
    redis: redis === undefined ? 'absent' : redis.isCircuitOpen ? 'away' : 'up',
  };
}

/** What is missing, or of another kind than today, is taken for nothing. */
export const readReport = (stored: StoredReport = {}): Report => v.parse(reportSchema, stored);
