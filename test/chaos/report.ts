/** What a run comes to, for people and for machines. */
import type { Finding } from './findings.ts';

/** A finding with the name of its session and when it was made. */
export interface ReportedFinding extends Finding {
  readonly sessionName: string;
  readonly atMs: number;
}

export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  readonly withRedis: boolean;
  readonly sessions: number;
  readonly devices: number;
  readonly storms: number;
  /** How long each store was away at a stretch, and a device, for a run that has such things. */
  readonly awayMs: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly commands: {
    readonly sent: number;
    readonly accepted: number;
    readonly checkpointed: number;
    readonly lost: number;
    readonly doubled: number;
    readonly reordered: number;
  };
  /** Commands given to devices that were killed before they had kept them: no part of the ride, and none of the log. */
  readonly voided: number;
  readonly devicesKilled: number;
  /** Checkpoints clients were told of that were looked up in Postgres. */
  readonly checkpointsVerified: number;
  readonly longestStallMs: number;
  /** Longest time from the end of a storm to everything being saved. */
  readonly longestHealingMs: number;
  /** New epochs of sessions. */
  readonly rebuilt: number;
  readonly pageLoads: number;
  /** Connections welcomed beyond the first of each device. */
  readonly reconnects: number;
  /** What each store refused because another owner has the session: writes, and questions whether one still is the owner. */
  readonly fenced: { readonly redis: number; readonly postgres: number };
  /** How often each close code came to a client; 4110 is `fenced`. */
  readonly closeCodes: Readonly<Record<string, number>>;
  /** Drains that had to be ended by force. */
  readonly drainsOverrun: number;
  /** Lines of level error in the instances' logs. */
  readonly errorsLogged: number;
  readonly clientWarnings: number;
  readonly findings: readonly ReportedFinding[];
}

/** Whether the service kept its promises. */
export function isKept({ findings }: ChaosReport): boolean {
  return findings.length === 0;
}

/** The report as a page. */
export function asMarkdown(report: ChaosReport): string {
  const { commands, faults, closeCodes, findings } = report;
  const verdict = isKept(report)
    ? 'Nothing lost, nothing doubled, nothing out of order; everything healed.'
    : `**${findings.length} findings.**`;
  return [
    `# Chaos, seed ${report.seed}`,
    '',
    verdict,
    '',
    ...table('run', [
      ['minutes', report.minutes.toFixed(1)],
      ['Redis', report.withRedis ? 'yes' : 'no'],
      ['sessions', report.sessions],
      ['devices', report.devices],
      ['storms', report.storms],
      ...Object.entries(report.awayMs).map(
        ([what, ms]) => [`${what} away for`, `${(ms / 60_000).toFixed(1)} min`] as const,
      ),
      ['devices killed', report.devicesKilled],
      ['page loads', report.pageLoads],
      ['reconnects', report.reconnects],
      ['sessions rebuilt (new epochs)', report.rebuilt],
      ['former owners refused by Redis', report.fenced.redis],
      ['former owners refused by Postgres', report.fenced.postgres],
      ['connections closed as fenced (4110)', closeCodes['4110'] ?? 0],
      ['longest wait to be accepted', seconds(report.longestStallMs)],
      ['longest healing', seconds(report.longestHealingMs)],
      ['checkpoints verified', report.checkpointsVerified],
      ['drains ended by force', report.drainsOverrun],
      ['errors the instances logged', report.errorsLogged],
      ['warnings of the client', report.clientWarnings],
    ]),
    '',
    ...table('commands', [
      ...Object.entries(commands),
      ['void: their device was killed before it had kept them', report.voided],
    ]),
    '',
    ...table('faults', Object.entries(faults)),
    '',
    ...table('close codes', Object.entries(closeCodes)),
    ...(isKept(report) ? [] : ['', '## Findings', '', ...findings.map(asLine)]),
    '',
  ].join('\n');
}

/** One finding in one line. */
export function asLine({ atMs, kind, sessionName, sessionId, sentence }: ReportedFinding): string {
  const id = sessionId === undefined ? '' : ` (${sessionId})`;
  return `- ${(atMs / 1000).toFixed(1)} s, ${sessionName}${id}, ${kind}: ${sentence}`;
}

function table(title: string, rows: readonly (readonly [string, string | number])[]): string[] {
  return [`| ${title} | |`, '|---|---:|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
