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
  readonly faults: Readonly<Record<string, number>>;
  readonly commands: {
    readonly sent: number;
    readonly accepted: number;
    readonly checkpointed: number;
    readonly lost: number;
    readonly doubled: number;
    readonly reordered: number;
  };
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
  /** How often each close code came; 4110 is `fenced`. */
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
      ['page loads', report.pageLoads],
      ['reconnects', report.reconnects],
      ['sessions rebuilt (new epochs)', report.rebuilt],
      ['fenced (4110)', closeCodes['4110'] ?? 0],
      ['longest wait to be accepted', seconds(report.longestStallMs)],
      ['longest healing', seconds(report.longestHealingMs)],
      ['checkpoints verified', report.checkpointsVerified],
      ['drains ended by force', report.drainsOverrun],
      ['errors the instances logged', report.errorsLogged],
      ['warnings of the client', report.clientWarnings],
    ]),
    '',
    ...table('commands', Object.entries(commands)),
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
