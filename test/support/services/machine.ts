/**
 * A second machine inside this one: namespaces, its own files over this machine's, systemd as its process 1. The network is shared, so
 * each machine listens on a loopback address of its own.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { mayAdminister } from './docker-engine.ts';
import { makePrivateFolder } from './private-folder.ts';

export interface Machine {
  /** Of its process 1, in this machine's numbers. */
  readonly pid: number;
  /** Where its files are seen from here. */
  readonly at: (path: string) => string;
  /** Runs a program there; rejects with what it said. */
  run(file: string, ...words: readonly string[]): Promise<string>;
  /** How to start a program there. */
  readonly command: readonly string[];
  write(path: string, text: string, mode?: number): Promise<void>;
  stop(): Promise<void>;
}

const startScript = fileURLToPath(new URL('start-machine.sh', import.meta.url));

/** Why no machine can be started here; undefined when one can. */
export function whyNoMachine(): string | undefined {
  if (!mayAdminister()) return 'a machine of its own needs a root that may mount';
  return existsSync('/lib/systemd/systemd') ? undefined : 'systemd is not installed';
}

export async function startMachine(repository: string): Promise<Machine> {
  const folder = await makePrivateFolder('machine');
  const words = [
    '--mount',
    '--pid',
    '--uts',
    '--ipc',
    '--cgroup',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const child = spawn('unshare', [...words, startScript, folder.path, repository], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  folder.guard(child.pid);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => said.push(chunk.toString('utf8')));
  const run = promisify(execFile);
  const firstChild = async (): Promise<number> =>
    Number(await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => ''));
  let pid = 0;
  let command: string[] = [];
  const inside = async (file: string, ...more: readonly string[]): Promise<string> => {
    const [nsenter = '', ...rest] = command;
    return (await run(nsenter, [...rest, file, ...more])).stdout.trim();
  };
  const isUp = async (): Promise<boolean> => {
    pid = await firstChild();
    if (pid === 0) return false;
    command = ['nsenter', '-t', String(pid), '-m', '-p', '-u', '-i', '-C', '--'];
    const state = await inside('systemctl', 'show', '--property', 'SystemState', '--value').catch(
      () => '',
    );
    return /^(running|degraded)$/.test(state);
  };
  for (let tries = 0; !(await isUp()); tries++) {
    if (child.exitCode !== null || tries > 600)
      throw new Error(`The machine did not start: ${said.join('')}`);
    // Between two looks at a program that says nothing of itself.
    await run('sleep', ['0.1']);
  }
  child.unref();
  const at = (path: string): string => join('/proc', String(pid), 'root', path);
  return {
    pid,
    at,
    run: inside,
    command,
    write: async (path, text, mode = 0o644) => {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), text, { mode });
    },
    stop: () => folder.remove(),
  };
}
