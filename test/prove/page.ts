/** The whole report: how it was made, on what, and what came of it. */
import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

import type { Settings } from '../support/rolling-script.ts';
import { asMarkdown, deploysInShort, type ProofReport } from './report.ts';
import { rowsAsMarkdown, rowsInShort } from './rows-page.ts';
import type { RowResult } from './rows.ts';
import type { Use } from './under-load.ts';

const seen = `**Load.** It is open-loop: a request has its moment whatever became of those before. *get-new* opens a connection each, *get-kept* and *post* keep
theirs, *get-slow* is answered after a second, *upgrade* opens a WebSocket. Beside them sessions of the real client give numbered commands. In the
end what each client shows must be the fold of its commands, and Postgres must have each of them once and in order: that is what *lost, doubled or
swapped* asks.

**Words.** A *move* is a client that goes to another instance when asked, the new connection first. *Without a connection* is a client that has
none for a time. The *95 % bound* is the rule of three: what happened in none of n times is rarer than 3 in n.`;

const elsewhere = `**Guards that have no row here.** Those inside the server (only the owner writes, accepted only when stored, offsets without a gap) are taken away by
\`npm run sim -- --mutants\`. The journal of a deploy that was killed is shown by [rolling-killed.test.ts](../../deploy/rolling-killed.test.ts), and that a
migration is refused before anything moves by [rolling-database.test.ts](../../deploy/rolling-database.test.ts).

**In CI.** Every \`npm test\` runs a part of this: two deploys under load and the rows *kill*, *no-retry* and *no-drain*, with 10 sessions
([prove.test.ts](../prove.test.ts)): about a minute and a half on two quiet cores.`;

export interface Proof {
  readonly command: string;
  /** A sentence when it could not be carried through. */
  readonly report: ProofReport | string | undefined;
  readonly results: readonly RowResult[];
  readonly seconds: number;
  /** 2026-11-29. */
  readonly day: string;
  /** Of rolling.sh. */
  readonly settings: Readonly<Record<'deploys' | 'rows' | 'canaries', Settings>>;
  /** Of each row. */
  readonly use: Use;
}

export async function asPage({
  command,
  report,
  results,
  seconds,
  day,
  settings,
  use,
}: Proof): Promise<string> {
  return [
    '# Deploys under load',
    '',
    ...(report === undefined && results.length === 0
      ? []
      : [`**${inShort(report, results)}**`, '']),
    `Made by \`${command}\` on ${day} in ${Math.round(seconds / 60)} minutes, on ${await machine()}.`,
    'Load, proxy, stores and instances share the machine; nginx before plain processes, loopback only: counts are what is claimed, milliseconds are of this machine under this load.',
    `Settings of rolling.sh: ${named(settings.deploys)} for the deploys one after the other; ${named(settings.rows)} for a row that says nothing else, and ${named(settings.canaries)} for a canary. Shipped are ${shipped}.`,
    '',
    seen,
    '',
    ...(report === undefined
      ? []
      : [typeof report === 'string' ? broken(report) : asMarkdown(report)]),
    ...(results.length === 0 ? [] : [rowsIntro(use), '', rowsAsMarkdown(results), elsewhere, '']),
  ].join('\n');
}

const rowsIntro = ({ sessions, commandsPerS, requestsPerS }: Use): string =>
  `## Rows\n\nEach row has a Postgres and a Redis of its own and begins with ${sessions} live sessions that give ${commandsPerS} commands a second together, and ${requestsPerS} requests a second on new and on kept connections each, half as many upgrades, a quarter as many POSTs.`;

/** What came of it, in a line. Pure. */
export function inShort(
  report: ProofReport | string | undefined,
  results: readonly RowResult[],
): string {
  return [
    ...(report === undefined ? [] : [deploysInShort(report)]),
    ...(results.length === 0 ? [] : [rowsInShort(results)]),
  ].join(' ');
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
