/** The whole report: how it was made, on what, and what came of it. */
import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

import { asMarkdown, type ProofReport } from './report.ts';
import { rowsAsMarkdown, type RowResult } from './rows.ts';

const seen = `Load is open-loop: a request has its moment whatever became of those before. *get-new* opens a connection each, *get-kept* and *post* keep
theirs, *get-slow* is answered after a second, *upgrade* opens a WebSocket. Beside them sessions of the real client give numbered commands. In the end
what each client shows must be the fold of its commands, and Postgres must have each of them once and in order.

A *move* is a client that goes to another instance when asked, the new connection first. A *time without a connection* is one in which it had none.`;

const elsewhere = `Guards inside the server (who may write, accepted only when stored, offsets without a gap) are taken away by \`npm run sim -- --mutants\`; the lock,
the journal and the migration gate in \`test/deploy\`.`;

export async function asPage(
  command: string,
  /** A sentence when it could not be carried through. */
  report: ProofReport | string | undefined,
  results: readonly RowResult[],
  seconds: number,
): Promise<string> {
  return [
    '# Deploys under load',
    '',
    `Made by \`${command}\` in ${Math.round(seconds / 60)} minutes.`,
    `${await machine()}. Load, proxy, stores and instances share it; nginx before plain processes, loopback only.`,
    '',
    seen,
    '',
    ...(report === undefined
      ? []
      : [typeof report === 'string' ? broken(report) : asMarkdown(report)]),
    ...(results.length === 0 ? [] : [rowsAsMarkdown(results), elsewhere, '']),
  ].join('\n');
}

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
