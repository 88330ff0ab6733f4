/** Every metric of an instance: name, unit, help. Pure. */
import type { Metric, Sample } from '../telemetry/prometheus-text.ts';
import type { Figures, StoreFigures } from './figures.ts';

const phases = ['starting', 'ready', 'leaving', 'draining', 'stopped'] as const;

export function metricsOf(figures: Figures): Metric[] {
  return [
    ...sessionMetrics(figures),
    ...storeMetrics(figures),
    ...doorMetrics(figures),
    ...processMetrics(figures),
  ];
}

const one = (value: number): readonly Sample[] => [{ value }];

function sessionMetrics({ counts, ...figures }: Figures): Metric[] {
  return [
    gauge('trackstand_sessions', 'Sessions this instance owns.', one(figures.sessions)),
    gauge(
      'trackstand_sessions_unsaved',
      'Sessions with accepted entries that Postgres does not have yet.',
      one(figures.unsavedSessions),
    ),
    gauge(
      'trackstand_checkpoint_lag_seconds',
      'How long the oldest accepted entry waits for its checkpoint; usually up to CHECKPOINT_MS.',
      one(figures.checkpointLagMs / 1_000),
    ),
    counter('trackstand_sessions_opened_total', 'Sessions taken over.', one(counts.opened)),
    counter(
      'trackstand_sessions_rebuilt_total',
      'Sessions that went on under a new epoch, because a store had lost something or was away.',
      one(counts.rebuilt),
    ),
    counter(
      'trackstand_sessions_fenced_total',
      'Sessions let go because another owner has them, or had to be proven anew; no write of them landed.',
      one(counts.fenced),
    ),
    counter(
      'trackstand_entries_accepted_total',
      'Entries put into the log: commands, refusals, joins.',
      one(counts.entriesAccepted),
    ),
    counter(
      'trackstand_entries_checkpointed_total',
      'Entries committed in Postgres.',
      one(counts.entriesCheckpointed),
    ),
    counter('trackstand_checkpoints_total', 'Checkpoints written.', one(counts.checkpoints)),
  ];
}

function storeMetrics({ postgres, redis, backupAgeMs }: Figures): Metric[] {
  const each = (read: (store: StoreFigures) => number): Sample[] => [
    { labels: { store: 'postgres' }, value: read(postgres) },
    ...(redis === undefined ? [] : [{ labels: { store: 'redis' }, value: read(redis) }]),
  ];
  return [
    gauge(
      'trackstand_store_circuit_open',
      '1 while a store is not asked because it did not answer a moment ago.',
      each(({ isCircuitOpen }) => Number(isCircuitOpen)),
    ),
    counter(
      'trackstand_store_failures_total',
      'Calls a store did not answer, or could not.',
      each(({ failures }) => failures),
    ),
    gauge(
      'trackstand_backup_age_seconds',
      'Since the latest verified backup of Postgres; absent when there is none.',
      backupAgeMs === undefined ? [] : one(backupAgeMs / 1_000),
    ),
  ];
}

function doorMetrics(figures: Figures): Metric[] {
  return [
    gauge('trackstand_connections', 'Open WebSocket connections.', one(figures.connections)),
    counter(
      'trackstand_connections_closed_total',
      'Connections that ended, by close code; 1006 is a break without one.',
      [...figures.closes].map(([code, value]) => ({ labels: { code }, value })),
    ),
    counter(
      'trackstand_connections_welcomed_total',
      'Connections whose hello was answered by welcome.',
      one(figures.greetings.welcomed),
    ),
    counter(
      'trackstand_connections_unwelcomed_total',
      'Connections that came to begin or resume, and ended without a welcome.',
      one(figures.greetings.unwelcomed),
    ),
    counter(
      'trackstand_hand_overs_total',
      'Hand-overs of connections to another instance that came to their end.',
      one(figures.handOvers),
    ),
    counter(
      'trackstand_http_requests_total',
      'HTTP requests answered, by the class of their status.',
      [2, 3, 4, 5].map((digit) => ({
        labels: { status: `${digit}xx` },
        value: figures.requestsByClass[digit] ?? 0,
      })),
    ),
    {
      name: 'trackstand_http_request_duration_seconds',
      help: 'Time to answer an HTTP request.',
      type: 'histogram',
      samples: figures.requestDurations,
    },
  ];
}

function processMetrics({ process, release, phase, hashing }: Figures): Metric[] {
  return [
    gauge(
      'trackstand_hashes_pending',
      'Passwords that are hashed or wait to be; beyond the line that is kept, people are turned away.',
      hashing === undefined ? [] : one(hashing.pendingCount),
    ),
    gauge(
      'trackstand_hash_seconds',
      'How long one hash takes, smoothed.',
      hashing === undefined ? [] : one(hashing.hashMs / 1_000),
    ),
    gauge('trackstand_info', 'Which release this is.', [{ labels: { release }, value: 1 }]),
    gauge(
      'trackstand_phase',
      '1 for the phase of life the instance is in.',
      phases.map((name) => ({ labels: { phase: name }, value: Number(name === phase) })),
    ),
    gauge(
      'trackstand_event_loop_delay_p99_seconds',
      'How late 99 % of the turns of the event loop were at most, in the last ten seconds.',
      one(process.loopDelayP99Ms / 1_000),
    ),
    gauge(
      'trackstand_event_loop_delay_max_seconds',
      'How late the latest turn of the event loop was, in the last ten seconds.',
      one(process.loopDelayMaxMs / 1_000),
    ),
    gauge('trackstand_uptime_seconds', 'Since the process began.', one(process.uptimeS)),
    gauge('process_resident_memory_bytes', 'Memory of the process.', one(process.residentBytes)),
    gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', one(process.heapBytes)),
    counter('process_cpu_seconds_total', 'CPU time of the process.', one(process.cpuS)),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: 'gauge', samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: 'counter', samples };
}
