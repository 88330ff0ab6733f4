/** A process a test starts and listens to. */
import { spawn } from 'node:child_process';

import type { PrivateFolder } from '../support/services/private-folder.ts';

/** A process under way or at its end. */
export interface RunningProcess {
  readonly pid: number;
  /** Resolves when its output, stdout and stderr, has matched; gives the match. Throws when it ends before that. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, or -1 when a signal ended it. */
  readonly ended: Promise<number>;
  /** Everything written to stdout and stderr so far. */
  stdout(): string;
  stderr(): string;
  /** Writes to its standard input. */
  type(text: string): void;
  send(signal: NodeJS.Signals): void;
}

/** Starts a process that does not outlive this one. */
export function runProcess(
  folder: PrivateFolder,
  [file, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): RunningProcess {
  const child = spawn(file, args, { cwd: folder.path, env: { ...process.env, ...env } });
  folder.guard(child.pid);
  const written = { stdout: '', stderr: '' };
  let hasEnded = false;
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
      for (const watcher of watchers) watcher();
    });
  }
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code) => {
      hasEnded = true;
      folder.guard(undefined);
      for (const watcher of watchers) watcher();
      resolve(code ?? -1);
    });
  });
  const waitFor = async (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const all = written.stdout + written.stderr;
        const match = pattern.exec(all);
        if (match === null && !hasEnded) return;
        watchers.delete(look);
        if (match === null) reject(new Error(`Ended without ${pattern}:\n${all}`));
        else resolve(match);
      };
      watchers.add(look);
      look();
    });
  return {
    pid: child.pid ?? 0,
    waitFor,
    ended,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    type: (text) => void child.stdin.write(text),
    send: (signal) => void child.kill(signal),
  };
}
