/**
 * A temporary folder and the processes that live in it, gone when the test process is gone, however it ends: a shell
 * waits for the end of its standard input, which the system closes even after `kill -9`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Reads pids, one a line, `-` for none; at the end of its input it kills the last pid and removes the folder. */
const guardScript = `
  pid=-
  while read -r line; do pid=$line; done
  [ "$pid" = - ] || kill -9 "$pid" 2>/dev/null
  rm -rf "$1" || { sleep 1; rm -rf "$1"; }
`;

/** A folder under the system's temporary folder that outlives neither `remove` nor this process. */
export interface PrivateFolder {
  readonly path: string;
  /** Tells which process lives here now, to be killed with -9 should this process die. */
  guard(pid: number | undefined): void;
  /** Kills the guarded process and removes the folder with all it holds. */
  remove(): Promise<void>;
}

/** Makes a folder only this user can enter. The path is short enough to hold Unix sockets. */
export async function makePrivateFolder(name: string): Promise<PrivateFolder> {
  const path = await mkdtemp(join(tmpdir(), `trackstand-${name}-`));
  // A session of its own, so that Ctrl-C in the terminal reaches the test process and not its guard.
  const guard = spawn('sh', ['-c', guardScript, 'sh', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const gone = once(guard, 'exit');
  guard.unref();
  // Node types the pipe as a stream; it is a socket, which alone may stop keeping the test process alive.
  (guard.stdin as Socket).unref();
  return {
    path,
    guard: (pid) => guard.stdin.write(`${pid ?? '-'}\n`),
    remove: async () => {
      guard.ref();
      guard.stdin.end();
      await gone;
    },
  };
}
