/** The whole report: how it was made, on what, and what came of it. */
import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

import type { Settings } from '../support/rolling-script.ts';
import { asMarkdown, type ProofReport } from './report.ts';
import { rowsAsMarkdown, type RowResult } from './rows.ts';

const seen = `Load is open-loop: a request has its moment whatever became of those before. *get-new* opens a connection each, *get-kept* and *post* keep
theirs, *get-slow* is answered after a second, *upgrade* opens a WebSocket. Beside them sessions of the real client give numbered commands. In the end
what each client shows must be the fold of its commands, and Postgres must have each of them once and in order.

A *move* is a client that goes to another instance when asked, the new connection first. A *time without a connection* is one in which it had none.`;

const elsewhere = `Guards inside the server (who may write, accepted only when stored, offsets without a gap) are taken away by \`npm run sim -- --mutants\`; what the
lock, the journal and the migration gate prevent is shown by the tests in \`test/deploy\`, which keep them.`;

export interface Proof {
  readonly command: string;
  /** A sentence when it could not be carried through. */
  readonly report: ProofReport | string | undefined;
  readonly results: readonly RowResult[];
  readonly seconds: number;
  /** Of rolling.sh. */
  readonly settings: Readonly<Record<'deploys' | 'rows' | 'canaries', Settings>>;
}

export async function asPage({
  command,
  report,
  results,
  seconds,
  settings,
}: Proof): Promise<string> {
  return [
    '# Deploys under load',
    '',
    `Made by \`${command}\` in ${Math.round(seconds / 60)} minutes.`,
    `${await machine()}. Load, proxy, stores and instances share it; nginx before plain processes, loopback only.`,
    `Settings of rolling.sh: ${named(settings.deploys)} for the deploys one after the other; ${named(settings.rows)} for a row that says nothing else, and ${named(settings.canaries)} for a canary. Shipped are ${shipped}.`,
    '',
    seen,
    '',
    ...(report === undefined
      ? []
      : [typeof report === 'string' ? broken(report) : asMarkdown(report)]),
    ...(results.length === 0 ? [] : [rowsAsMarkdown(results), elsewhere, '']),
  ].join('\n');
}

const shipped = '`HEALTHY_S=10 SOAK_S=10 SLOWER_BY_MS=50 SOAK_SAMPLES=500 HOLD_S=300`';
const named = (settings: Settings): string =>
  `\`${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}\``;

const broken = (why: string): string =>
  `## Deploys, one after the other\n\n**They could not be carried through:** ${why}\n`;

async function machine(): Promise<string> {
  const programs = await Promise.all([
    versionOf('nginx', ['-v']),
    versionOf('haproxy', ['-v']),
    versionOf('caddy', ['version']),
    versionOf('redis-server', ['--version']),
    versionOf('psql', ['--version']),
  ]);
  const [core] = cpus();
  return [
    `${cpus().length} cores (${core?.model.trim() || 'of an unnamed kind'})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `Node ${process.versions.node}`,
    ...programs.filter((program) => program !== undefined),
  ].join(', ');
}

const names: Readonly<Record<string, string>> = {
  haproxy: 'HAProxy',
  caddy: 'Caddy',
  'redis-server': 'Redis',
  psql: 'Postgres',
};

async function versionOf(file: string, args: readonly string[]): Promise<string | undefined> {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
  try {
    const { stdout, stderr } = await promisify(execFile)(file, args, { env });
    const [version] = /\d+(\.\d+)+/.exec(stdout + stderr) ?? [];
    return version === undefined ? undefined : `${names[file] ?? file} ${version}`;
  } catch {
    return undefined;
  }
}
