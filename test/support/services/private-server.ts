/** One server process that belongs to a test: started, stopped, killed, started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

import type { PrivateFolder } from './private-folder.ts';

/** How to start a server and see that it is ready. */
export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** A line of its output, stdout or stderr, that says it takes connections. */
  readonly ready: RegExp;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A running server process. */
export interface PrivateServer {
  readonly pid: number;
  /** The line that matched `ready`. */
  readonly readyLine: string;
  /** Sends the signal and waits for the end. A server that has ended already is fine. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a server and waits until it is ready. Throws an error with its output when it ends before that. */
export async function startServer(
  command: ServerCommand,
  folder: Pick<PrivateFolder, 'path' | 'guard'>,
): Promise<PrivateServer> {
  const child = spawn(command.file, command.args, {
    cwd: folder.path,
    stdio: 'pipe',
    detached: true,
    env: { ...process.env, ...command.env },
    ...command.user,
  });
  const ended = once(child, 'exit').then(() => folder.guard(undefined));
  folder.guard(child.pid);
  child.stdin.on('error', () => {});
  child.stdin.end(command.input);
  const readyLine = await waitForLine(child, command);
  letGo(child);
  return {
    pid: child.pid ?? 0,
    readyLine,
    end: async (signal) => {
      child.ref();
      child.kill(signal);
      await ended;
    },
  };
}

async function waitForLine(child: ChildProcess, command: ServerCommand): Promise<string> {
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`${command.file} ${why}:\n${lines.slice(-20).join('\n')}`));
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => fail(`ended with ${signal ?? code}`));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      // The streams are read to their end, else a talkative server would block on a full pipe.
      createInterface({ input: stream }).on('line', (line) => {
        if (lines.push(line) > 200) lines.shift();
        if (command.ready.test(line)) resolve(line);
      });
    }
  });
}

/** A test process that is done must not wait for servers: their guards end them. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
}
