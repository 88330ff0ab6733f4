/** A child process of the supervisor: guarded, with its output in a log file. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { CannotStart } from './cannot-start.ts';
import type { OrphanGuard } from './orphan-guard.ts';

/** A log larger than this is put aside when its process starts; one older log is kept. */
const logBytesMax = 10 * 1024 * 1024;

/** Recovery after a crash and a first initdb on a slow machine fit in. */
const startMsMax = 60_000;
const pollMs = 25;

/** What to run. */
export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly logFile: string;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that was started and may have ended. */
export interface Child {
  readonly pid: number | undefined;
  readonly ended: Promise<Ending>;
  /** Whether it has not ended yet. */
  isAlive(): boolean;
  send(signal: NodeJS.Signals): void;
  /** What it has written so far. */
  output(): Promise<string>;
}

/** Starts a process out of the reach of Ctrl-C in the terminal: the supervisor says when it ends. */
export function startChild(command: ChildCommand, guard: OrphanGuard): Child {
  const { descriptor, position } = openLog(command.logFile);
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    stdio: ['pipe', descriptor, descriptor],
    detached: true,
  });
  closeSync(descriptor);
  child.stdin?.on('error', () => {});
  child.stdin?.end(command.input);
  const { pid } = child;
  if (pid !== undefined) guard.add(pid);
  let isAlive = true;
  const ended = new Promise<Ending>((resolve) => {
    const end = (ending: Ending) => {
      isAlive = false;
      if (pid !== undefined) guard.remove(pid);
      resolve(ending);
    };
    child.once('error', () => end({ code: null, signal: null }));
    child.once('exit', (code, signal) => end({ code, signal }));
  });
  return {
    pid,
    ended,
    isAlive: () => isAlive,
    send: (signal) => void child.kill(signal),
    output: async () => (await readFile(command.logFile)).subarray(position).toString('utf8'),
  };
}

/** Waits for the end of a process that was told to, and kills it when its grace is over. */
export async function endWithin(child: Child, graceMs: number): Promise<void> {
  const timer = setTimeout(() => child.send('SIGKILL'), graceMs);
  await child.ended;
  clearTimeout(timer);
}

/**
 * Waits until a process serves. Throws CannotStart, and leaves no process, when it ends before that, takes too long, or
 * `stopping` aborts.
 */
export async function untilServing(
  child: Child,
  isServing: () => Promise<boolean>,
  stopping: AbortSignal,
): Promise<void> {
  for (const deadlineMs = performance.now() + startMsMax; child.isAlive();) {
    if (await isServing()) return;
    if (stopping.aborted || performance.now() > deadlineMs) {
      child.send('SIGKILL');
      await child.ended;
      throw new CannotStart(`It was not ready within ${startMsMax / 1000} s.`);
    }
    await delay(pollMs);
  }
  throw new CannotStart(await lastLine(child));
}

/** How it ended, for people. */
export function describeEnding({ code, signal }: Ending): string {
  if (signal !== null) return signal;
  return code === null ? 'it could not be run' : `exit code ${code}`;
}

/** The last line it wrote that says something. */
async function lastLine(child: Child): Promise<string> {
  const lines = (await child.output()).split('\n').map((line) => line.trim());
  return lines.findLast((line) => line !== '') ?? 'no output';
}

function openLog(file: string): { readonly descriptor: number; readonly position: number } {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logBytesMax) renameSync(file, `${file}.1`);
  return { descriptor: openSync(file, 'a', 0o600), position: size > logBytesMax ? 0 : size };
}
