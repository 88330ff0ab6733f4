/** One life of a device: a process from its start to its end, what it says, and what its page shows meanwhile. */
import { DeviceProcess, type DeviceProcessParts } from './device-process.ts';
import type { Account, BeginOrder, Order, Report, Shown } from './device-protocol.ts';
import type { Given } from './given.ts';
import type { WireEar } from './wire-ear.ts';

export interface DeviceLifeParts extends Pick<DeviceProcessParts, 'file' | 'folder'> {
  readonly begin: Omit<BeginOrder, 'order'>;
  readonly ear: WireEar;
  readonly given: Given;
  readonly opened: (sessionId: string, clientId: string) => void;
  readonly kept: () => void;
  readonly shown: (shown: Shown) => void;
  readonly warn: (problem: string) => void;
  /** Its process ended by itself. */
  readonly failed: (said: string) => void;
}

interface Asking {
  readonly resolve: (account: Account) => void;
  readonly reject: (error: Error) => void;
}

export class DeviceLife {
  readonly #parts: DeviceLifeParts;
  readonly #process: DeviceProcess;
  readonly #asked = new Map<number, Asking>();
  #askedCount = 0;
  #shown: Shown | undefined;
  /** Killed, or ended by itself: what it says still counts, but for what its page shows. */
  #isOver = false;

  constructor(parts: DeviceLifeParts) {
    const { file, folder, begin, failed } = parts;
    this.#parts = parts;
    this.#process = new DeviceProcess({
      file,
      folder,
      heard: (report) => this.#hear(report),
      failed: (said) => {
        this.#end();
        failed(said);
      },
    });
    this.order({ order: 'begin', ...begin });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What its page shows; undefined while there is none. */
  get shown(): Shown | undefined {
    return this.#shown;
  }

  get isFrozen(): boolean {
    return this.#process.isFrozen;
  }

  order(order: Order): void {
    this.#process.order(order);
  }

  freeze(): void {
    this.#process.freeze();
  }

  thaw(): void {
    this.#process.thaw();
  }

  /** Rejects when the process ends before it has answered. */
  account(): Promise<Account> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(ended());
      const number = ++this.#askedCount;
      this.#asked.set(number, { resolve, reject });
      this.order({ order: 'account', number });
    });
  }

  /** `kill -9`, whatever it is doing. Resolves when it is gone and all it had said was heard: whether it had lived until then. */
  kill(): Promise<boolean> {
    this.#end();
    return this.#process.kill();
  }

  #end(): void {
    this.#isOver = true;
    this.#shown = undefined;
    for (const { reject } of this.#asked.values()) reject(ended());
    this.#asked.clear();
  }

  #hear(report: Report): void {
    const { ear, given, opened, kept, warn } = this.#parts;
    switch (report.report) {
      case 'found':
        given.foundKept(report.timesMs);
        break;
      case 'kept':
        given.toldKept(report.timesMs);
        kept();
        break;
      case 'page':
        opened(report.sessionId, report.clientId);
        break;
      case 'gone':
        this.#shown = undefined;
        break;
      case 'shown':
        this.#show(report);
        break;
      case 'account':
        this.#asked.get(report.number)?.resolve(report);
        this.#asked.delete(report.number);
        break;
      case 'warned':
        warn(report.problem);
        break;
      case 'opened':
        ear.opened(report.socket);
        break;
      case 'sent':
        given.toldSent(ear.sent(report.socket, report.text));
        break;
      case 'heard':
        ear.heard(report.socket, report.text, report.atMs);
        break;
      case 'closed':
        ear.closed(report.socket, report.code, report.reason);
        break;
    }
  }

  #show(shown: Shown): void {
    if (this.#isOver) return;
    this.#shown = shown;
    this.#parts.shown(shown);
  }
}

function ended(): Error {
  return new Error('The process ended before it answered.');
}
