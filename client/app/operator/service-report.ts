/** How the service is, as every instance says of itself. Pure. */
import { list, text, type Body } from '../account-requests.ts';

export interface InstanceReport {
  readonly place: string;
  readonly release: string;
  readonly isHere: boolean;
  readonly phase: string;
  /** Since its last word. */
  readonly silentMs: number;
  readonly upMs: number;
  readonly sessions: number;
  readonly connections: number;
  readonly unsavedSessions: number;
  readonly checkpointLagMs: number;
  readonly loopDelayMs: number;
  readonly residentBytes: number;
  readonly postgres: string;
  readonly redis: string;
}

export interface DeployNote {
  readonly atMs: number;
  readonly action: string;
  readonly release: string;
  readonly from: string;
  readonly by: string;
  readonly why: string;
  readonly moved: string;
  readonly seconds: string;
}

export interface ServiceReport {
  readonly nowMs: number;
  readonly instances: readonly InstanceReport[];
  /** Undefined where the service does not know the deploy log. */
  readonly deploys: readonly DeployNote[] | undefined;
  /** Undefined when there is none. */
  readonly backupAgeMs: number | undefined;
}

export function readServiceReport(body: Body): ServiceReport {
  const here = text(body, 'here');
  return {
    nowMs: Date.parse(text(body, 'now')),
    instances: list(body, 'instances').map((row) => readInstance(row, here)),
    deploys: body['deploys'] === null ? undefined : list(body, 'deploys').map(readNote),
    backupAgeMs: typeof body['backup_age_ms'] === 'number' ? body['backup_age_ms'] : undefined,
  };
}

function readInstance(row: Body, here: string): InstanceReport {
  return {
    place: text(row, 'place'),
    release: text(row, 'release'),
    isHere: text(row, 'place') === here,
    phase: text(row, 'phase'),
    silentMs: count(row, 'silent_ms'),
    upMs: count(row, 'uptime_s') * 1_000,
    sessions: count(row, 'sessions'),
    connections: count(row, 'connections'),
    unsavedSessions: count(row, 'unsaved_sessions'),
    checkpointLagMs: count(row, 'checkpoint_lag_ms'),
    loopDelayMs: count(row, 'loop_delay_p99_ms'),
    residentBytes: count(row, 'resident_bytes'),
    postgres: text(row, 'postgres'),
    redis: text(row, 'redis'),
  };
}

function readNote(row: Body): DeployNote {
  return {
    atMs: Date.parse(text(row, 'at')),
    action: text(row, 'action'),
    release: text(row, 'release'),
    from: text(row, 'from'),
    by: text(row, 'by'),
    why: text(row, 'why'),
    moved: text(row, 'moved'),
    seconds: text(row, 'seconds'),
  };
}

function count(row: Body, name: string): number {
  const value = row[name];
  return typeof value === 'number' ? value : 0;
}
