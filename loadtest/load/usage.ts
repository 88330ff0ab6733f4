/** What processes use: read before and after, so that a difference is what a run cost. */
import { readdir, readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';

/** Microseconds of CPU, user and system. */
export type CpuUs = number;

/** How a process of ours answers when it is asked what it uses. */
export interface Usage {
  readonly cpuUs: CpuUs;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Milliseconds its event loop was busy, and not, since it began. */
  readonly activeMs: number;
  readonly idleMs: number;
}

export function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const { active, idle } = performance.eventLoopUtilization();
  return {
    cpuUs: user + system,
    rssBytes: rss,
    heapBytes: heapUsed,
    activeMs: active,
    idleMs: idle,
  };
}

/** Share of the time between two readings in which the event loop was busy. */
export function busyShare(before: Usage, after: Usage): number {
  const activeMs = after.activeMs - before.activeMs;
  return activeMs / (activeMs + after.idleMs - before.idleMs);
}

/** What this process takes of a core, all its threads together, and for which share of the time its event loop is busy. */
export interface Share {
  readonly cores: number;
  readonly busy: number;
}

/** From now until the returned function is called. */
export function watchOwnShare(): () => Share {
  const [before, startMs] = [ownUsage(), performance.now()];
  return () => {
    const after = ownUsage();
    const elapsedUs = (performance.now() - startMs) * 1_000;
    return { cores: (after.cpuUs - before.cpuUs) / elapsedUs, busy: busyShare(before, after) };
  };
}

/** Of a clock tick, which is what the kernel counts in. Linux has had 100 a second for as long as this project runs on it. */
const tickUs = 10_000;

/** CPU of that process and all that it has started, ended ones too. 0 for one that is gone. */
export async function treeCpuUs(rootPid: number): Promise<CpuUs> {
  const stats = await Promise.all((await allPids()).map(statOf));
  const known = stats.filter((stat) => stat !== undefined);
  const family = new Set([rootPid]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const { pid, parentPid } of known) if (family.has(parentPid)) family.add(pid);
  }
  return known
    .filter(({ pid }) => family.has(pid))
    .reduce((sum, { ticks }) => sum + ticks * tickUs, 0);
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid));
}

interface Stat {
  readonly pid: number;
  readonly parentPid: number;
  readonly ticks: number;
}

async function statOf(pid: number): Promise<Stat | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, and stands in parentheses before all that is read here.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const at = (place: number): number => Number(fields[place - 3]);
    return { pid, parentPid: at(4), ticks: at(14) + at(15) + at(16) + at(17) };
  } catch {
    return undefined;
  }
}
