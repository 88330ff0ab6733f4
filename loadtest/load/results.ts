/** A folder of figures: a file for each scenario with the machine, the versions and the command that made it, and a page of them all. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { page, type Part } from './report.ts';
import { rounded, type Chart, type ScenarioResult } from './result.ts';

/** `names`: of all scenarios, in the order of the page. */
export interface Folder {
  readonly path: string;
  readonly names: readonly string[];
}

export async function keep(
  folder: Folder,
  args: readonly string[],
  result: ScenarioResult,
): Promise<void> {
  const part: Part = {
    command: `npm run load -- ${args.filter((word) => word !== '--out' && word !== folder.path).join(' ')}`,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    result: { ...result, charts: result.charts.map(short) },
  };
  await mkdir(folder.path, { recursive: true });
  await writeFile(
    join(folder.path, `${result.name}.json`),
    `${JSON.stringify(part, undefined, 1)}\n`,
  );
  await writeFile(join(folder.path, 'index.html'), page(await kept(folder)));
}

/** What is there of former runs. */
export async function kept({ path, names }: Folder): Promise<Part[]> {
  const parts = await Promise.all(names.map((name) => readPart(join(path, `${name}.json`))));
  return parts.filter((part) => part !== undefined);
}

async function readPart(file: string): Promise<Part | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  // We wrote it.
  return text === undefined ? undefined : (JSON.parse(text) as Part);
}

const short = (chart: Chart): Chart => ({
  ...chart,
  lines: chart.lines.map(({ name, points }) => ({
    name,
    points: points.map(([x, y]) => [x, rounded(y)] as const),
  })),
});

function describeMachine(): Part['machine'] {
  const [cpu] = cpus();
  return {
    cores: `${availableParallelism()} × ${cpu?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    node: process.version,
    redis: versionOf('redis-server', '--version'),
    postgres: versionOf('psql', '--version'),
    nginx: versionOf('nginx', '-v'),
  };
}

function versionOf(program: string, flag: string): string {
  try {
    // nginx tells it on standard error.
    const said = execFileSync('sh', ['-c', `${program} ${flag} 2>&1`], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    });
    return /\d+\.[\d.]+/.exec(said)?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
