/** rolling.sh of a folder `deploy/`, with a configuration of the test's. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Outcome {
  readonly code: number | null;
  /** What it said to people. */
  readonly said: string;
  readonly stdout: string;
}

export interface RollingScript {
  rolling(...words: readonly string[]): Promise<Outcome>;
  /** Starts it, and kills the script with -9 when it announces that step. False when it ended before. */
  killedAt(step: string, ...words: readonly string[]): Promise<boolean>;
  /** The same at the first step of which that is true. */
  killedWhen(is: (step: string) => boolean, ...words: readonly string[]): Promise<boolean>;
  /** Starts it, and sends that signal to the script at that step. */
  signalledAt(signal: NodeJS.Signals, step: string, ...words: readonly string[]): Promise<Outcome>;
  /** Starts it, and calls back at each step it announces. */
  watched(act: (step: string) => void, ...words: readonly string[]): Promise<Outcome>;
  /** Replaces what was configured since the start. */
  configure(more: Settings): Promise<void>;
  /** As a full disk would: no file written by rolling.sh may get longer. */
  limitFileBytes(bytes: number | undefined): void;
}

export type Settings = Readonly<Record<string, string | number>>;

export interface RollingScriptParts {
  /** Holds rolling.sh. */
  readonly deployFolder: string;
  readonly configFile: string;
  readonly settings: Settings;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** On another machine: how programs are started there, and how its files are reached from here. */
  readonly machine?: { readonly command: readonly string[]; readonly at: (path: string) => string };
}

export async function rollingScript(parts: RollingScriptParts): Promise<RollingScript> {
  const { deployFolder, configFile, settings, env = process.env, machine } = parts;
  const configure = (more: Settings): Promise<void> =>
    writeFile(machine?.at(configFile) ?? configFile, lines({ ...settings, ...more }, quoted));
  await configure({});
  let fileBlocksMax = 'unlimited';
  const start = (words: readonly string[]) => {
    const command = [
      ...(machine?.command ?? []),
      'bash',
      '-c',
      'ulimit -f "$1" && shift && exec "$@"',
      'bash',
      fileBlocksMax,
      join(deployFolder, 'rolling.sh'),
      ...words,
      '--config',
      configFile,
      '--json',
    ];
    return spawn('env', command, { stdio: ['ignore', 'pipe', 'pipe'], env });
  };
  const watched: RollingScript['watched'] = (act, ...words) => followed(start(words), act);
  const followed = async (
    child: ReturnType<typeof start>,
    act: (step: string) => void,
  ): Promise<Outcome> => {
    const out: string[] = [];
    const said: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      out.push(line);
      const step = /"event":"step","text":"([^"]*)"/.exec(line)?.[1];
      if (step !== undefined) act(step);
    });
    createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said: said.join('\n'), stdout: out.join('\n') };
  };
  const killedWhen: RollingScript['killedWhen'] = async (is, ...words) => {
    const child = start(words);
    let isKilled = false;
    await followed(child, (step) => {
      if (!isKilled && is(step)) isKilled = child.kill('SIGKILL');
    });
    return isKilled;
  };
  return {
    watched,
    rolling: (...words) => watched(() => {}, ...words),
    signalledAt: (signal, step, ...words) => {
      const child = start(words);
      return followed(child, (announced) => void (announced === step && child.kill(signal)));
    },
    killedAt: (step, ...words) => killedWhen((announced) => announced === step, ...words),
    killedWhen,
    configure,
    limitFileBytes: (bytes) => {
      // Blocks of 1024 bytes.
      fileBlocksMax = bytes === undefined ? 'unlimited' : String(Math.ceil(bytes / 1024));
    },
  };
}

export const strings = (values: Settings): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));

const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

export function lines(
  values: Settings,
  form: (value: string) => string = (value) => value,
): string {
  return `${Object.entries(strings(values))
    .map(([key, value]) => `${key}=${form(value)}`)
    .join('\n')}\n`;
}
