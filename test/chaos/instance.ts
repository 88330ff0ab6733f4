/** One server process as a supervisor keeps it: started again until it serves, and ended in every way there is. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { delay, systemClock } from '../../shared/clock.ts';
import { freePort } from '../support/services/free-port.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';

export interface InstanceParts {
  readonly name: string;
  /** Path of the built server. */
  readonly serverFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** Hears every log line of level warn and above, and how the process ended. */
  readonly log: (line: string) => void;
}

/** Milliseconds between two starts of a server that does not come up. */
const restartMs = 200;

/** Milliseconds a drain may take before it is ended by force, as a supervisor does. */
const drainMsMax = 20_000;

/** Levels `warn` and `error` in the server's log lines. */
const warnLevel = 40;
const errorLevel = 50;

export class Instance {
  readonly name: string;
  readonly port: number;
  readonly #parts: InstanceParts;
  readonly #folder: PrivateFolder;
  #child: ChildProcess | undefined;
  #state: 'serving' | 'starting' | 'draining' | 'down' = 'down';
  #starting: Promise<void> | undefined;
  #isWanted = false;
  #isFrozen = false;
  #errorCount = 0;
  /** Whether the front has noticed that it does not answer. */
  isSuspected = false;

  private constructor(parts: InstanceParts, port: number, folder: PrivateFolder) {
    this.name = parts.name;
    this.port = port;
    this.#parts = parts;
    this.#folder = folder;
  }

  static async create(parts: InstanceParts): Promise<Instance> {
    return new Instance(parts, await freePort(), await makePrivateFolder('chaos'));
  }

  get isServing(): boolean {
    return this.#state === 'serving';
  }

  /** Lines of level error, and what was said without a level, over all its lives. */
  get errorCount(): number {
    return this.#errorCount;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Whether a proxy in front would send new connections there. */
  get isRoutable(): boolean {
    return this.isServing && !this.isSuspected;
  }

  /** Resolves when it serves, or is not wanted any more. */
  start(): Promise<void> {
    this.#isWanted = true;
    this.#starting ??= this.#startUntilServing().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    await this.#end('SIGKILL');
  }

  /** SIGTERM. Resolves when it has ended, with false when it had to be forced. */
  async drain(): Promise<boolean> {
    this.#isWanted = false;
    this.#state = 'draining';
    let isForced = false;
    const cancel = systemClock.after(drainMsMax, () => {
      isForced = true;
      this.#child?.kill('SIGKILL');
    });
    await this.#end('SIGTERM');
    cancel();
    return !isForced;
  }

  freeze(): void {
    this.#isFrozen = true;
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#isFrozen = false;
    this.isSuspected = false;
    this.#child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#folder.remove();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async #startUntilServing(): Promise<void> {
    if (this.#state === 'serving') return;
    this.#state = 'starting';
    while (this.#isWanted && !(await this.#launch())) await delay(systemClock, restartMs);
  }

  /** Returns whether it serves; false when it ended before. */
  #launch(): Promise<boolean> {
    const { serverFile, env, log } = this.#parts;
    const child = spawn(process.execPath, ['--enable-source-maps', serverFile], {
      cwd: this.#folder.path,
      env: { ...process.env, ...env, HOST: '127.0.0.1', PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    this.#isFrozen = false;
    this.isSuspected = false;
    this.#folder.guard(child.pid);
    return new Promise((resolve) => {
      for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on('line', (line) => {
          if (/listening/i.test(line)) {
            this.#state = 'serving';
            resolve(true);
          }
          const level = levelOf(line);
          if (level >= errorLevel) this.#errorCount += 1;
          if (level >= warnLevel) log(line);
        });
      child.once('exit', (code, signal) => {
        log(`ended: ${signal ?? code}`);
        if (this.#child === child) this.#state = 'down';
        this.#folder.guard(undefined);
        resolve(false);
      });
    });
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** What is no log line is what a process says before it dies. */
function levelOf(line: string): number {
  const [, level = errorLevel] = /^\{"level":(\d+)/.exec(line) ?? [];
  return Number(level);
}
