/** The ride as its process, the way `npm run ride` runs it, and what it printed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { builtFile } from '../support/services/shared-services.ts';

export interface RideResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RideSurroundings {
  /** Where the ride puts its temporary folder; the system's by default. */
  readonly temporaryFolder?: string;
  /** Folders with programs; the test's own by default. */
  readonly path?: string;
  /** Called with each piece of standard output. */
  readonly printed?: (text: string, interrupt: () => void) => void;
}

export async function runRide(
  args: readonly string[],
  { temporaryFolder, path, printed }: RideSurroundings = {},
): Promise<RideResult> {
  const file = await builtFile('ride/main');
  await Promise.all([builtFile('server/main'), builtFile('local/pglite-process')]);
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: path ?? process.env['PATH'],
      ...(temporaryFolder === undefined ? {} : { TMPDIR: temporaryFolder }),
    },
  });
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (piece: string) => printed?.(piece, () => child.kill('SIGINT')));
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { exitCode: child.exitCode, stdout, stderr };
}

/** A value of the table at the end, without its unit. */
export function valueOf(label: string, { stdout }: RideResult): string | undefined {
  return new RegExp(`^ +${label} +(\\S+)`, 'm').exec(stdout)?.[1];
}
