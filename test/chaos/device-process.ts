/** The process of one device, as the run holds it: told what to do, listened to, frozen, killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

import type { PrivateFolder } from '../support/services/private-folder.ts';
import { reportsFd, type Order, type Report } from './device-protocol.ts';

export interface DeviceProcessParts {
  /** Path of the built process. */
  readonly file: string;
  /** Its guard kills the process should the run be killed, frozen or not. */
  readonly folder: Pick<PrivateFolder, 'guard'>;
  readonly heard: (report: Report) => void;
  /** It ended by itself, whether or not somebody was about to kill it; `said` is what it had to say. All else was heard before. */
  readonly failed: (said: string) => void;
}

/** Exit code, or signal, that a process ended with. */
type End = number | string | null;

export class DeviceProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<End>;
  /** How it ends when it does what it is made to do. */
  #dueEnd: End = null;
  #isFrozen = false;

  constructor({ file, folder, heard, failed }: DeviceProcessParts) {
    this.#child = spawn(process.execPath, ['--enable-source-maps', file], {
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    });
    folder.guard(this.#child.pid);
    // What it was told when it was gone is lost, as it must be.
    this.#child.stdin?.on('error', () => {});
    onLines(this.#child.stdio[reportsFd] as Readable, (line) => heard(JSON.parse(line) as Report));
    let said = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    // After `close` there is nothing left in the pipes of what it said.
    this.#closed = once(this.#child, 'close').then(([code, signal]: End[]) => {
      // Its number may be another process' from now on.
      folder.guard(undefined);
      const end = signal ?? code ?? null;
      if (end !== this.#dueEnd) failed(said);
      return end;
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  order(order: Order): void {
    (this.#child.stdin as Writable).write(`${JSON.stringify(order)}\n`);
  }

  freeze(): void {
    this.#isFrozen = true;
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#child.kill('SIGCONT');
  }

  /** `kill -9`. Resolves when it is gone and all it had said was heard: whether it had lived until then. */
  async kill(): Promise<boolean> {
    this.#dueEnd = 'SIGKILL';
    this.#child.kill('SIGKILL');
    return (await this.#closed) === 'SIGKILL';
  }

  /** Closes its standard input, as the system does when the run is killed. Resolves with its exit code, or the signal it ended by, when it is gone. */
  leaveAlone(): Promise<End> {
    this.#dueEnd = 0;
    this.#child.stdin?.end();
    return this.#closed;
  }
}

/** Whole lines only: the last one of a process that was killed may have been cut. */
function onLines(stream: Readable, heard: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) heard(line);
  });
}
